-- Workers that are gone for long are no longer listed.
delete from worker
 where status = 'OFFLINE'
   and last_heartbeat_at < now() - make_interval(secs => $1)
returning worker_id
