-- Keeps others from queueing messages of the same group until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('channel_delivery ' || $1::uuid || ' ' || $2::text, 0))
