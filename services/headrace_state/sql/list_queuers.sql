-- Tells which flow runs queued background tasks that are not over.
select background_task.task_run_id,
       background_task.queued_by
  from background_task
 where background_task.workspace_id = $1
   and background_task.task_run_id = any ($2::uuid[])
