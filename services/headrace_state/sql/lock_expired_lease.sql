-- Locks a lease if it has expired.
select true
  from lease
 where lease.lease_id = $1
   and lease.expires_at <= clock_timestamp()
   for update
