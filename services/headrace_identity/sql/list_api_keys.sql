-- Keys, newest first: of a principal, or of everybody with a role in a workspace.
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
 where ($1::uuid is null or api_key.principal_id = $1)
   and ($2::uuid is null or api_key.workspace_id = $2 or principal.workspace_id = $2)
   and ($3 or api_key.revoked_at is null and (api_key.expires_at is null or api_key.expires_at > now()))
   and ($4::timestamptz is null or (api_key.created_at, api_key.api_key_id) < ($4, $5))
 order by api_key.created_at desc, api_key.api_key_id desc
 limit $6
