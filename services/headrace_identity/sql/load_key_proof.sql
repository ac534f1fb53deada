-- What a key is checked by.
select api_key_id,
       principal_id,
       workspace_id,
       secret_hash,
       permissions,
       expires_at,
       revoked_at,
       last_used_at
  from api_key
 where api_key_id = $1
