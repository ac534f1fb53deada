-- Loads the state and times of a flow run for its graph, and what time it is.
select flow_run.flow_run_id,
       flow_run.state_id,
       flow_run.state_type,
       flow_run.state_name,
       flow_run.state_message,
       flow_run.state_at,
       flow_run.state_version,
       flow_run.state_details,
       flow_run.state_result,
       flow_run.started_at,
       flow_run.ended_at,
       clock_timestamp() as now
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
