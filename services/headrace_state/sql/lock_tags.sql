-- Locks a flow run and returns its tags.
select flow_run.tags
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
   for no key update
