-- Notes that the process which executes a background task has to end it.
update background_task
   set is_cancelling = true
 where workspace_id = $1
   and task_run_id = $2
