-- Brings the payloads of flow runs that have any.
select flow_run_payload.flow_run_id,
       flow_run_payload.parameters,
       flow_run_payload.job_variables,
       flow_run_payload.context
  from flow_run_payload
 where flow_run_payload.flow_run_id = any ($1::uuid[])
