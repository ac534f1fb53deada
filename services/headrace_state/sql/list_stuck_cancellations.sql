-- Lists runs that were asked to stop $1 seconds ago and have not stopped.
select flow_run.workspace_id,
       flow_run.flow_run_id
  from flow_run
 where flow_run.state_type = 'CANCELLING'
   and flow_run.state_at <= clock_timestamp() - make_interval(secs => $1)
 limit $2
