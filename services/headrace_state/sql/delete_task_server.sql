-- Forgets a task server that has gone.
delete
  from task_server
 where workspace_id = $1
   and server_id = $2
