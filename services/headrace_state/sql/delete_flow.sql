-- Deletes a flow whose runs are gone.
delete from flow
 where flow.workspace_id = $1
   and flow.flow_id = $2
