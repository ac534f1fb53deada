-- A sign of life of a worker that asks for runs from time to time, and its status before (null for a new one); nothing if
-- its id belongs to another workspace.
with before as (
    select worker_id,
           status
      from worker
     where worker_id = $1
       for no key update
),
stored as (
    insert into worker as old (
               worker_id, workspace_id, name, work_pool_id, work_queue_names, deployment_ids, type, status, capacity,
               flow_run_ids, labels, client_version, host, connection_id, silent_after_seconds
           )
    values ($1, $2, $3, $4, $5, $6, $7, 'ONLINE', 0, '{}', $8, $9, '', $1, $10)
    on conflict (worker_id) do update
       set work_queue_names = excluded.work_queue_names,
           type = excluded.type,
           status = case
               when old.drain_reason is not null then 'DRAINING'
               when old.pause_reason is not null then 'PAUSED'
               else 'ONLINE'
           end,
           labels = excluded.labels,
           client_version = excluded.client_version,
           silent_after_seconds = excluded.silent_after_seconds,
           last_heartbeat_at = now()
     where old.workspace_id = excluded.workspace_id
    returning worker_id, workspace_id, name, work_pool_id, work_queue_names, deployment_ids, type, status, capacity,
              flow_run_ids, labels, client_version, host, drain_reason, pause_reason, started_at, last_heartbeat_at
)
select stored.worker_id,
       stored.workspace_id,
       stored.name,
       stored.work_pool_id,
       work_pool.name as work_pool_name,
       stored.work_queue_names,
       stored.deployment_ids,
       stored.type,
       stored.status,
       stored.capacity,
       stored.flow_run_ids,
       stored.labels,
       stored.client_version,
       stored.host,
       stored.drain_reason,
       stored.pause_reason,
       stored.started_at,
       stored.last_heartbeat_at,
       before.status as status_before
  from stored
  left join work_pool
    on work_pool.work_pool_id = stored.work_pool_id
  left join before
    on before.worker_id = stored.worker_id
