-- Ends what the processes of flow runs $2 held and waited for beside their attempts until the attempts ended at $3, for
-- the runs themselves or for task runs of theirs; returns the limits that this concerns.
with ended as (
    select entry.flow_run_id, entry.at
      from unnest($2::uuid[], $3::timestamptz[]) as entry (flow_run_id, at)
),
claim as (
    select lease.lease_id, lease.holder_kind, lease.holder_id, lease.since
      from lease
     where lease.workspace_id = $1
       and lease.flow_run_id is null
       and lease.holder_kind in ('flow-run', 'task-run')
     union all
    select waiter.lease_id, waiter.holder_kind, waiter.holder_id, waiter.since
      from waiter
     where waiter.workspace_id = $1
       and waiter.holder_kind in ('flow-run', 'task-run')
),
named as (
    select claim.lease_id,
           claim.holder_kind,
           claim.since,
           -- Whoever asks for slots says what the holder is called.
           case when claim.holder_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then claim.holder_id::uuid end
           as run_id
      from claim
),
over as (
    select named.lease_id
      from named
      left join task_run
        on named.holder_kind = 'task-run'
       and task_run.task_run_id = named.run_id
      join ended
        on ended.flow_run_id = case named.holder_kind when 'flow-run' then named.run_id else task_run.flow_run_id end
     where named.since < ended.at
),
gone as (
    delete from lease
     using over
     where lease.lease_id = over.lease_id
),
freed as (
    delete from lease_slot
     using over
     where lease_slot.workspace_id = $1
       and lease_slot.lease_id = over.lease_id
    returning lease_slot.limit_name
),
left_line as (
    delete from waiter
     using over
     where waiter.lease_id = over.lease_id
    returning waiter.names
)
select freed.limit_name
  from freed
 union
select unnest(left_line.names)
  from left_line
