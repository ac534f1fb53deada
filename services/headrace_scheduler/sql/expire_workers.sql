-- Workers that were silent for too long are OFFLINE; each is returned to one caller only.
with silent as (
    select worker_id,
           status
      from worker
     where status <> 'OFFLINE'
       and last_heartbeat_at < now() - make_interval(secs => coalesce(silent_after_seconds, $1))
     order by worker_id
       for no key update skip locked
),
changed as (
    update worker
       set status = 'OFFLINE',
           flow_run_ids = '{}'
      from silent
     where worker.worker_id = silent.worker_id
    returning worker.worker_id, worker.workspace_id, worker.name, worker.work_pool_id, worker.work_queue_names,
              worker.deployment_ids, worker.type, worker.status, worker.capacity, worker.flow_run_ids, worker.labels,
              worker.client_version, worker.host, worker.drain_reason, worker.pause_reason, worker.started_at,
              worker.last_heartbeat_at, silent.status as status_before
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
