-- A key that another takes the place of ends soon, unless it does before.
update api_key
   set replaced_by_id = $2,
       expires_at = least(expires_at, now() + make_interval(secs => $3))
 where api_key_id = $1
   and revoked_at is null
   and (expires_at is null or expires_at > now())
