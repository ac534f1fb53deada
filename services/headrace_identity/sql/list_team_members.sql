-- Users of a team behind an address.
select principal.principal_id,
       principal.account_id,
       principal.workspace_id,
       principal.kind,
       principal.handle,
       principal.display_name,
       principal.is_active,
       principal.last_seen_at,
       principal.created_at,
       principal.updated_at,
       principal.external_id
  from team_member
  join principal using (principal_id)
 where team_member.team_id = $1
   and principal.handle > $2
 order by principal.handle
 limit $3
