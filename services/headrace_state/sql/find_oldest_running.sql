-- Finds the oldest run that is executed of the deployment of a waiting run, unless one of them is stopping already.
select other.flow_run_id
  from flow_run
  join flow_run as other
    on other.workspace_id = flow_run.workspace_id
   and other.deployment_id = flow_run.deployment_id
   and other.state_type in ('PENDING', 'RUNNING', 'PAUSED')
   and other.lease_id is not null
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
   and not exists (
           select 1
             from flow_run as stopping
            where stopping.workspace_id = flow_run.workspace_id
              and stopping.deployment_id = flow_run.deployment_id
              and stopping.state_type = 'CANCELLING'
       )
 order by other.started_at nulls last, other.flow_run_id
 limit 1
