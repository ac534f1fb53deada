-- Deletes one input of a flow run; returns its key.
delete from run_input
 where run_input.workspace_id = $1
   and run_input.flow_run_id = $2
   and run_input.key = $3
returning run_input.key
