-- Lists the limits that have no slot for one more run now, or that others wait in line for.
select concurrency_limit.name
  from concurrency_limit
 where concurrency_limit.workspace_id = $1
   and concurrency_limit.is_active
   and (
           concurrency_limit.slots <= case
               when concurrency_limit.slot_decay_per_second > 0
               then concurrency_limit.level
                    - extract(epoch from now() - concurrency_limit.level_at)::double precision
                      * concurrency_limit.slot_decay_per_second
                    + 1 - 1e-9
               else (
                   select coalesce(sum(lease_slot.slots), 0)
                     from lease_slot
                    where lease_slot.workspace_id = concurrency_limit.workspace_id
                      and lease_slot.limit_name = concurrency_limit.name
               )
           end
        or exists (
               select 1
                 from waiter
                where waiter.workspace_id = concurrency_limit.workspace_id
                  and waiter.names @> array[concurrency_limit.name]
                  and waiter.keep_until > now()
           )
       )
