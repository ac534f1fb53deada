-- Lets a lease hold until its holder, who gives no sign of life before $2, has had its time after that.
update lease
   set expires_at = greatest(expires_at, $2::timestamptz + make_interval(secs => duration_seconds))
 where lease.lease_id = $1
