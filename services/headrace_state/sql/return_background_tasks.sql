-- Puts task runs back into their places in the queue, which a task server has and has not begun.
update background_task
   set token = null,
       server_id = null,
       lease_expires_at = null,
       deliveries = greatest(0, deliveries - 1)
 where workspace_id = $1
   and token = any ($2::uuid[])
returning task_run_id
