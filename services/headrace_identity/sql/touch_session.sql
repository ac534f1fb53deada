-- A session was just used.
update session
   set last_used_at = now()
 where session_id = $1
