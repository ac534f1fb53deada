-- Pours $3 into the buckets of rate limits $2, whose rows are locked.
update concurrency_limit
   set level = greatest(
           0,
           concurrency_limit.level
           - extract(epoch from clock_timestamp() - concurrency_limit.level_at)::double precision
             * concurrency_limit.slot_decay_per_second
       ) + poured.slots,
       level_at = clock_timestamp()
  from unnest($2::text[], $3::double precision[]) as poured (name, slots)
 where concurrency_limit.workspace_id = $1
   and concurrency_limit.name = poured.name
