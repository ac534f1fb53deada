-- Returns the run of each of the deployments $2 that is scheduled to start next.
select distinct on (run.deployment_id)
       run.deployment_id as owner_id,
       run.flow_run_id,
       run.name,
       run.flow_id,
       run.flow_name,
       run.deployment_id,
       run.state_type,
       run.state_name,
       run.run_seconds,
       run.next_scheduled_start_at as at
  from flow_run as run
 where run.workspace_id = $1
   and run.deployment_id = any ($2::uuid[])
   and run.state_type = 'SCHEDULED'
   and run.next_scheduled_start_at is not null
 order by run.deployment_id, run.next_scheduled_start_at, run.flow_run_id
