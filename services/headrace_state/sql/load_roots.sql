-- Finds the topmost flow runs above parents.
select flow_run.flow_run_id,
       flow_run.root_flow_run_id
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = any ($2::uuid[])
