-- Brings a background task that is not over, and locks it.
select background_task.task_run_id,
       background_task.token,
       background_task.is_cancelling
  from background_task
 where background_task.workspace_id = $1
   and background_task.task_run_id = $2
   for update
