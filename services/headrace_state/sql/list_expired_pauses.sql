-- Lists runs whose pause timed out.
select flow_run.workspace_id,
       flow_run.flow_run_id
  from flow_run
 where flow_run.state_type = 'PAUSED'
   and (flow_run.state_details ->> 'pause_expires_at')::timestamptz <= clock_timestamp()
 limit $1
