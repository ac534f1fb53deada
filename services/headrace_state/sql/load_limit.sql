-- Brings one limit with how many slots are taken.
select concurrency_limit.name,
       concurrency_limit.slots,
       concurrency_limit.is_active,
       concurrency_limit.slot_decay_per_second,
       concurrency_limit.created_at,
       concurrency_limit.updated_at,
       case when concurrency_limit.slot_decay_per_second > 0
            then ceil(greatest(
                     0,
                     concurrency_limit.level
                     - extract(epoch from now() - concurrency_limit.level_at)::double precision
                       * concurrency_limit.slot_decay_per_second
                 ))::integer
            else (
                select coalesce(sum(lease_slot.slots), 0)::integer
                  from lease_slot
                 where lease_slot.workspace_id = concurrency_limit.workspace_id
                   and lease_slot.limit_name = concurrency_limit.name
            )
       end as taken
  from concurrency_limit
 where concurrency_limit.workspace_id = $1
   and concurrency_limit.name = $2
