-- Lists the subflows of a flow run that no task run stands for, first ones first.
select flow_run.flow_run_id,
       flow_run.name,
       flow_run.state_type,
       flow_run.state_name,
       flow_run.started_at,
       flow_run.ended_at,
       flow_run.updated_at
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.parent_flow_run_id = $2
   and flow_run.parent_task_run_id is null
 order by flow_run.flow_run_id
 limit $3
