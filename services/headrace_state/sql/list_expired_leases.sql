-- Lists leases that expired and whose holders had a whole lease's time, ten minutes at most, since $1 to renew them.
select lease.lease_id,
       lease.workspace_id,
       lease.flow_run_id
  from lease
 where lease.expires_at <= clock_timestamp()
   and $1::timestamptz + make_interval(secs => least(lease.duration_seconds, 600)) <= clock_timestamp()
 order by lease.expires_at
 limit $2
