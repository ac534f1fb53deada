-- Waits for automations until the end of the transaction, all in the same order.
select pg_advisory_xact_lock(hashtextextended(automation_id::text, 7))
  from (select unnest($1::uuid[]) as automation_id order by 1) as wanted
