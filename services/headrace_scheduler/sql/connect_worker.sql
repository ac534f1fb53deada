-- Store that a worker stands on a new stream; nothing if its id belongs to another workspace.
with stored as (
    insert into worker as old (
               worker_id, workspace_id, name, work_pool_id, work_queue_names, deployment_ids, type, status, capacity,
               flow_run_ids, labels, client_version, host, connection_id
           )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (worker_id) do update
       set name = excluded.name,
           work_pool_id = excluded.work_pool_id,
           work_queue_names = excluded.work_queue_names,
           deployment_ids = excluded.deployment_ids,
           type = excluded.type,
           status = case
               when old.drain_reason is not null then 'DRAINING'
               when old.pause_reason is not null then 'PAUSED'
               else excluded.status
           end,
           capacity = excluded.capacity,
           flow_run_ids = excluded.flow_run_ids,
           labels = excluded.labels,
           client_version = excluded.client_version,
           host = excluded.host,
           connection_id = excluded.connection_id,
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
       stored.last_heartbeat_at
  from stored
  left join work_pool
    on work_pool.work_pool_id = stored.work_pool_id
