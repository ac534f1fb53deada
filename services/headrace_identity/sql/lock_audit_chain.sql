-- Let nobody else add to the chain of a workspace until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('headrace audit ' || $1::uuid::text, 0))
