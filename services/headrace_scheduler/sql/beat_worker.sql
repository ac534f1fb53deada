-- A sign of life of a worker on the stream that it stands on; nothing if it has connected anew elsewhere.
with before as (
    select worker_id,
           status
      from worker
     where worker_id = $1
       and connection_id = $2
       for no key update
),
changed as (
    update worker
       set last_heartbeat_at = now(),
           flow_run_ids = $4,
           status = case
               when $3 or drain_reason is not null then 'DRAINING'
               when $5 or pause_reason is not null then 'PAUSED'
               else 'ONLINE'
           end
      from before
     where worker.worker_id = before.worker_id
    returning worker.worker_id, worker.workspace_id, worker.name, worker.work_pool_id, worker.work_queue_names,
              worker.deployment_ids, worker.type, worker.status, worker.capacity, worker.flow_run_ids, worker.labels,
              worker.client_version, worker.host, worker.drain_reason, worker.pause_reason, worker.started_at,
              worker.last_heartbeat_at, before.status as status_before
)
select changed.worker_id,
       changed.workspace_id,
       changed.name,
       changed.work_pool_id,
       work_pool.name as work_pool_name,
       changed.work_queue_names,
       changed.deployment_ids,
       changed.type,
       changed.status,
       changed.capacity,
       changed.flow_run_ids,
       changed.labels,
       changed.client_version,
       changed.host,
       changed.drain_reason,
       changed.pause_reason,
       changed.started_at,
       changed.last_heartbeat_at,
       changed.status_before
  from changed
  left join work_pool
    on work_pool.work_pool_id = changed.work_pool_id
