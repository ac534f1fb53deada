-- Locks background tasks whose servers did not renew their leases.
select background_task.task_run_id,
       background_task.workspace_id,
       background_task.deliveries,
       background_task.is_cancelling
  from background_task
 where background_task.token is not null
   and background_task.lease_expires_at < clock_timestamp()
 order by background_task.task_run_id
 limit $1
   for update skip locked
