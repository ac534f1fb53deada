-- A key was just used; written once a minute at most.
update api_key
   set last_used_at = now()
 where api_key_id = $1
   and (last_used_at is null or last_used_at < now() - interval '1 minute')
