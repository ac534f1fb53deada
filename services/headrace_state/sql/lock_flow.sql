-- Locks a flow that is about to be deleted.
select flow.flow_id
  from flow
 where flow.workspace_id = $1
   and flow.flow_id = $2
   for update
