-- Takes automations until the end of the transaction, as far as nobody has them.
select automation_id,
       pg_try_advisory_xact_lock(hashtextextended(automation_id::text, 7)) as is_held
  from (select unnest($1::uuid[]) as automation_id order by 1) as wanted
