-- Lists the background tasks of a task server that it has to end.
select background_task.task_run_id
  from background_task
 where background_task.workspace_id = $1
   and background_task.server_id = $2
   and background_task.token is not null
   and background_task.is_cancelling
