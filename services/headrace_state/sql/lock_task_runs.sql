-- Brings where task runs stand, and locks them.
select task_run.task_run_id,
       task_run.state_type,
       task_run.state_version,
       task_run.run_count,
       task_run.attempt
  from task_run
 where task_run.workspace_id = $1
   and task_run.task_run_id = any ($2::uuid[])
 order by task_run.task_run_id
   for update
