-- Lists due runs that find no slot of a limit other than their pool's and queue's, where that is not to be waited for:
-- 2 is CANCEL_NEW, 3 is CANCEL_RUNNING.
select due_run.workspace_id,
       due_run.flow_run_id,
       due_run.concurrency_strategy
  from due_run
 where due_run.due_at <= now()
   and due_run.concurrency_strategy in (2, 3)
   and exists (
           select 1
             from concurrency_limit
            where concurrency_limit.workspace_id = due_run.workspace_id
              and concurrency_limit.name = any (due_run.limits)
              and concurrency_limit.name not like 'work-pool:%'
              and concurrency_limit.name not like 'work-queue:%'
              and concurrency_limit.is_active
              and concurrency_limit.slot_decay_per_second = 0
              and concurrency_limit.slots <= (
                      select coalesce(sum(lease_slot.slots), 0)
                        from lease_slot
                       where lease_slot.workspace_id = concurrency_limit.workspace_id
                         and lease_slot.limit_name = concurrency_limit.name
                  )
       )
 order by due_run.due_at, due_run.flow_run_id
 limit $1
