-- Lists the runs of a deployment that did not start, whoever made them.
select flow_run.flow_run_id
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.deployment_id = $2
   and flow_run.state_type = 'SCHEDULED'
   and flow_run.lease_id is null
 order by flow_run.flow_run_id
