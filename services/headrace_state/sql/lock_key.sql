-- Makes changes of one key wait for each other.
select pg_advisory_xact_lock(hashtextextended($1::uuid::text || ':' || $2, 7))
