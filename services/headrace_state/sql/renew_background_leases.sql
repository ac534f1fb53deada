-- Renews the leases of background tasks, none for less time than it has; tells which of them are to be cancelled.
with given as (
    select background_task.task_run_id
      from background_task
     where background_task.workspace_id = $1
       and background_task.token = any ($2::uuid[])
     order by background_task.task_run_id
       for update
)
update background_task
   set lease_expires_at = greatest(lease_expires_at, clock_timestamp() + make_interval(secs => $3))
  from given
 where background_task.task_run_id = given.task_run_id
returning background_task.task_run_id,
          background_task.token,
          background_task.lease_expires_at,
          background_task.is_cancelling
