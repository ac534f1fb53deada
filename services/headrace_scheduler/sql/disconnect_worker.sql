-- A worker that has left is OFFLINE, unless it has connected anew.
with changed as (
    update worker
       set status = 'OFFLINE',
           flow_run_ids = '{}'
     where worker_id = $1
       and connection_id = $2
       and status <> 'OFFLINE'
    returning worker_id, workspace_id, name, work_pool_id, work_queue_names, deployment_ids, type, status, capacity,
              flow_run_ids, labels, client_version, host, drain_reason, started_at, last_heartbeat_at
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
       changed.started_at,
       changed.last_heartbeat_at
  from changed
  left join work_pool
    on work_pool.work_pool_id = changed.work_pool_id
