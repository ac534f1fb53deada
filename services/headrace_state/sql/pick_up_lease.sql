-- Renews the lease of a client and returns it.
update lease
   set expires_at = clock_timestamp() + make_interval(secs => $3),
       duration_seconds = $3
 where lease.workspace_id = $1
   and lease.lease_id = $2
   and lease.flow_run_id is null
returning lease.expires_at, lease.limits
