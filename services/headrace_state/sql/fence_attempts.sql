-- Brings the attempts of flow runs and keeps them as they are until the transaction ends.
select flow_run.flow_run_id,
       flow_run.attempt_token,
       flow_run.attempt
  from flow_run
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = any ($2::uuid[])
 order by flow_run.flow_run_id
   for share
