-- What the gauges of the service show: a name, values of labels, a number.
with present as (
    select worker.workspace_id,
           coalesce(work_pool.name, '') as pool,
           worker.status,
           count(*) as workers,
           sum(worker.capacity) as capacity,
           sum(cardinality(worker.flow_run_ids)) as runs
      from worker
      left join work_pool on work_pool.work_pool_id = worker.work_pool_id
     group by 1, 2, 3
)
select 'workers' as gauge,
       array[workspace_id::text, pool, status] as labels,
       workers::double precision as value
  from present
union all
select 'worker_capacity',
       array[workspace_id::text, pool],
       sum(capacity)
  from present
 where status <> 'OFFLINE'
 group by workspace_id, pool
union all
select 'worker_flow_runs',
       array[workspace_id::text, pool],
       sum(runs)
  from present
 where status <> 'OFFLINE'
 group by workspace_id, pool
union all
select 'work_pools_paused',
       array[]::text[],
       count(*)
  from work_pool
 where paused
union all
select 'schedules',
       array[]::text[],
       count(*)
  from schedule
 where next_at is not null
union all
select 'schedule_lag_seconds',
       array[]::text[],
       greatest(0, extract(epoch from now() - min(next_at)))
  from schedule
 where next_at is not null
