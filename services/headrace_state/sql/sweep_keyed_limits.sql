-- Deletes limits of keys, at most $1, that no run needs any more and nothing holds.
with idle as (
    select concurrency_limit.workspace_id, concurrency_limit.name
      from concurrency_limit
     where concurrency_limit.name like 'deployment:%:key:%'
       and concurrency_limit.updated_at < now() - interval '1 minute'
       and not exists (
               select 1
                 from lease_slot
                where lease_slot.workspace_id = concurrency_limit.workspace_id
                  and lease_slot.limit_name = concurrency_limit.name
           )
       and (concurrency_limit.workspace_id, concurrency_limit.name) not in (
               select flow_run.workspace_id, unnest(flow_run.limits)
                 from flow_run
                where flow_run.state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
           )
     limit $1
       for update skip locked
),
gone as (
    delete from concurrency_limit
     using idle
     where concurrency_limit.workspace_id = idle.workspace_id
       and concurrency_limit.name = idle.name
    returning concurrency_limit.name
)
select count(*) as gone
  from gone
