-- Puts background tasks back into the queue, whoever had them.
update background_task
   set token = null,
       server_id = null,
       lease_expires_at = null
 where task_run_id = any ($1::uuid[])
