-- Tells which task runs are there.
select task_run.task_run_id
  from task_run
 where task_run.workspace_id = $1
   and task_run.task_run_id = any ($2::uuid[])
