-- A key made useless; nothing where it is already.
update api_key
   set revoked_at = now()
 where api_key_id = $1
   and revoked_at is null
