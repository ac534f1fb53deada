-- Lists task servers by name, with how many task runs each has.
select task_server.server_id,
       task_server.name,
       task_server.task_keys,
       task_server.slots,
       task_server.client_version,
       task_server.connected_at,
       task_server.seen_at,
       (
           select count(*)
             from background_task
            where background_task.workspace_id = task_server.workspace_id
              and background_task.server_id = task_server.server_id
              and background_task.token is not null
       )::integer as running
  from task_server
 where task_server.workspace_id = $1
   and task_server.seen_at >= now() - make_interval(secs => $2)
 order by task_server.name, task_server.server_id
 limit 1000
