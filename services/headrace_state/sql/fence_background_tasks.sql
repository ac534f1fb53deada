-- Brings the attempts of background tasks and keeps them as they are until the transaction ends.
select background_task.task_run_id,
       background_task.token,
       background_task.deliveries
  from background_task
 where background_task.workspace_id = $1
   and background_task.task_run_id = any ($2::uuid[])
   and background_task.token is not null
 order by background_task.task_run_id
   for share
