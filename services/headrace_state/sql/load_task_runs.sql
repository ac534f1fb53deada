-- Brings task runs, in order of their ids.
select task_run.task_run_id,
       task_run.flow_run_id,
       task_run.task_key,
       task_run.dynamic_key,
       task_run.name,
       task_run.state_id,
       task_run.state_type,
       task_run.state_name,
       task_run.state_message,
       task_run.state_at,
       task_run.state_version,
       task_run.state_details,
       task_run.state_result,
       task_run.tags,
       task_run.labels,
       task_run.task_version,
       task_run.inputs,
       task_run.retry_policy,
       task_run.cache_key,
       task_run.cache_expires_at,
       task_run.run_count,
       task_run.flow_run_run_count,
       task_run.child_flow_run_id,
       task_run.created_at,
       task_run.updated_at,
       task_run.expected_start_at,
       task_run.started_at,
       task_run.ended_at,
       task_run.run_seconds
  from task_run
 where task_run.workspace_id = $1
   and task_run.task_run_id = any ($2::uuid[])
 order by task_run.task_run_id
