-- Notes that a task server is connected, or gave a sign of life.
insert into task_server (workspace_id, server_id, name, task_keys, slots, client_version)
values ($1, $2, $3, $4, $5, $6)
    on conflict (workspace_id, server_id) do update
   set name = excluded.name,
       task_keys = excluded.task_keys,
       slots = excluded.slots,
       client_version = excluded.client_version,
       seen_at = now()
