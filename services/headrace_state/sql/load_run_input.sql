-- Brings one input of a flow run.
select run_input.flow_run_id,
       run_input.key,
       run_input.value,
       run_input.sender,
       run_input.created_at
  from run_input
 where run_input.workspace_id = $1
   and run_input.flow_run_id = $2
   and run_input.key = $3
