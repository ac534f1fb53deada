-- A principal has just called; written once a minute at most.
update principal
   set last_seen_at = now()
 where principal_id = $1
   and (last_seen_at is null or last_seen_at < now() - interval '1 minute')
