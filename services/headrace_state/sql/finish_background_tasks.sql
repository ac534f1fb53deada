-- Forgets background tasks that are over.
delete
  from background_task
 where workspace_id = $1
   and task_run_id = any ($2::uuid[])
