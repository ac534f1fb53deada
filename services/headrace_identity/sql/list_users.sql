-- Users behind an address; $2 limits to those with a role in a workspace or the account, $3 to a pattern.
select principal_id,
       account_id,
       workspace_id,
       kind,
       handle,
       display_name,
       is_active,
       last_seen_at,
       created_at,
       updated_at,
       external_id
  from principal
 where workspace_id is null
   and handle > $1
   and ($2::uuid is null or principal_id in (
           select coalesce(role_assignment.principal_id, team_member.principal_id)
             from role_assignment
             left join team_member using (team_id)
            where role_assignment.workspace_id = $2
               or role_assignment.workspace_id is null
       ))
   and ($3 = '' or handle ilike $3 or display_name ilike $3)
   and ($4 = '' or external_id = $4)
 order by handle
 limit $5
