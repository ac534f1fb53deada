-- Finds a deployment that has scheduled runs of a flow.
select flow_run.deployment_id
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_id = $2
   and flow_run.state_type = 'SCHEDULED'
   and flow_run.deployment_id is not null
 limit 1
