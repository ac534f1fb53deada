-- Finds a flow run of a flow that somebody executes.
select flow_run.flow_run_id
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_id = $2
   and flow_run.lease_id is not null
 limit 1
