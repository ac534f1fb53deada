-- Locks active limits by name, always in one order. Count their slots in a later statement: under the locks.
select concurrency_limit.name,
       concurrency_limit.slots,
       concurrency_limit.slot_decay_per_second,
       concurrency_limit.level,
       concurrency_limit.level_at
  from concurrency_limit
 where concurrency_limit.workspace_id = $1
   and concurrency_limit.name = any ($2::text[])
   and concurrency_limit.is_active
 order by concurrency_limit.name
   for update
