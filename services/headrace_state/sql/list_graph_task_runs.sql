-- Lists what the graph of a flow run shows of its task runs, first ones first.
select task_run.task_run_id,
       task_run.task_key,
       task_run.name,
       task_run.state_type,
       task_run.state_name,
       task_run.started_at,
       task_run.ended_at,
       task_run.child_flow_run_id,
       task_run.inputs,
       task_run.updated_at
  from task_run
 where task_run.workspace_id = $1
   and task_run.flow_run_id = $2
 order by task_run.task_run_id
 limit $3
