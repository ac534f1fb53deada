-- Lets the leases of background tasks with tokens $2 hold for $3 seconds.
update background_task
   set lease_expires_at = clock_timestamp() + make_interval(secs => $3)
 where background_task.workspace_id = $1
   and background_task.token = any ($2::uuid[])
