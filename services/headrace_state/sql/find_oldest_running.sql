-- Finds the oldest run that is executed of the deployment of a waiting run $2 and holds a slot that it lacks, unless one
-- of them is stopping already.
with lacking as (
    select coalesce(array_agg(concurrency_limit.name), '{}') as names
      from flow_run
      join concurrency_limit
        on concurrency_limit.workspace_id = flow_run.workspace_id
       and concurrency_limit.name = any (flow_run.limits)
       and concurrency_limit.name not like 'work-pool:%'
       and concurrency_limit.name not like 'work-queue:%'
       and concurrency_limit.is_active
       and concurrency_limit.slots <= (
               select coalesce(sum(lease_slot.slots), 0)
                 from lease_slot
                where lease_slot.workspace_id = concurrency_limit.workspace_id
                  and lease_slot.limit_name = concurrency_limit.name
           )
     where flow_run.workspace_id = $1
       and flow_run.flow_run_id = $2
)
select other.flow_run_id
  from lacking
 cross join flow_run
  join flow_run as other
    on other.workspace_id = flow_run.workspace_id
   and other.deployment_id = flow_run.deployment_id
   and other.state_type in ('PENDING', 'RUNNING', 'PAUSED')
   and other.lease_id is not null
   and other.limits && lacking.names
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
   and not exists (
           select 1
             from flow_run as stopping
            where stopping.workspace_id = flow_run.workspace_id
              and stopping.deployment_id = flow_run.deployment_id
              and stopping.state_type = 'CANCELLING'
              and stopping.limits && lacking.names
       )
 order by other.started_at nulls last, other.flow_run_id
 limit 1
