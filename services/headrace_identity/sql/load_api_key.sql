-- A key by its id.
select api_key.api_key_id,
       api_key.name,
       api_key.principal_id,
       api_key.workspace_id,
       api_key.permissions,
       api_key.lifetime_seconds,
       api_key.created_at,
       api_key.expires_at,
       api_key.revoked_at,
       api_key.last_used_at,
       api_key.replaced_by_id,
       principal.handle as holder,
       principal.workspace_id as holder_workspace_id
  from api_key
  join principal using (principal_id)
 where api_key.api_key_id = $1
