-- Locks a flow run and tells whether it may be changed or deleted.
select flow_run.state_type,
       flow_run.state_name,
       flow_run.run_count,
       flow_run.attempt,
       flow_run.lease_id
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
   for update
