-- Lists the flow runs of a flow.
select flow_run.flow_run_id
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_id = $2
 order by flow_run.flow_run_id
