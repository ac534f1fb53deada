-- Lists what is not final below a run $2: task runs ('task') and subflows ('subflow'), at most $3 of each; and the run
-- that called it ('parent').
(select 'task' as kind,
        task_run.task_run_id as run_id,
        task_run.name,
        task_run.state_type,
        task_run.state_name,
        task_run.state_message,
        task_run.state_at
   from task_run
  where task_run.workspace_id = $1
    and task_run.flow_run_id = $2
    and task_run.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
  order by task_run.state_at
  limit $3)
 union all
(select 'subflow',
        child.flow_run_id,
        child.name,
        child.state_type,
        child.state_name,
        child.state_message,
        child.state_at
   from flow_run as child
  where child.workspace_id = $1
    and child.parent_flow_run_id = $2
    and child.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
  order by child.state_at
  limit $3)
 union all
(select 'parent',
        parent.flow_run_id,
        parent.name,
        parent.state_type,
        parent.state_name,
        parent.state_message,
        parent.state_at
   from flow_run as child
   join flow_run as parent on parent.flow_run_id = child.parent_flow_run_id
  where child.workspace_id = $1
    and child.flow_run_id = $2)
