-- What the gauges of the service show: a name, values of labels, a number.
with due as (
    select workspace_id,
           count(*) as runs,
           min(due_at) as since,
           -- All runs of a queue know its name.
           min(flow_run_id::text)::uuid as example_id
      from due_run
     where due_at <= now()
       and work_pool_id is not null
     group by workspace_id, work_pool_id, work_queue_id
),
taken as (
    select workspace_id,
           limit_name,
           sum(slots) as slots
      from lease_slot
     group by workspace_id, limit_name
     order by sum(slots) desc
     limit 200
)
select 'flow_runs' as gauge,
       array[state_type] as labels,
       count(*)::double precision as value
  from flow_run
 where state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
 group by state_type
union all
select 'due_flow_runs',
       array[due.workspace_id::text, flow_run.work_pool_name, flow_run.work_queue_name],
       due.runs
  from due
  join flow_run on flow_run.flow_run_id = due.example_id
union all
select 'due_flow_runs_age_seconds',
       array[due.workspace_id::text, flow_run.work_pool_name, flow_run.work_queue_name],
       extract(epoch from now() - due.since)
  from due
  join flow_run on flow_run.flow_run_id = due.example_id
union all
select 'limit_slots_taken',
       array[workspace_id::text, limit_name],
       slots
  from taken
union all
select 'limit_slots',
       array[taken.workspace_id::text, taken.limit_name],
       concurrency_limit.slots
  from taken
  join concurrency_limit on concurrency_limit.workspace_id = taken.workspace_id
                        and concurrency_limit.name = taken.limit_name
union all
select 'limit_waiters',
       array[waiter.workspace_id::text, name],
       count(*)
  from waiter
 cross join unnest(waiter.names) as name
 group by waiter.workspace_id, name
union all
select 'database_bytes',
       array[]::text[],
       pg_database_size(current_database())
