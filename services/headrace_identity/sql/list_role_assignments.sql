-- Who holds which roles: in a workspace and, where $2, in the account; $3 and $4 limit to a holder.
select role_assignment.role_assignment_id,
       role_assignment.role,
       role_assignment.principal_id,
       role_assignment.team_id,
       role_assignment.workspace_id,
       role_assignment.object_kind,
       role_assignment.object,
       role_assignment.created_at,
       coalesce(principal.handle, team.handle) as holder
  from role_assignment
  left join principal on principal.principal_id = role_assignment.principal_id
  left join team on team.team_id = role_assignment.team_id
 where (role_assignment.workspace_id = $1 or $2 and role_assignment.workspace_id is null)
   and ($3::uuid is null or role_assignment.principal_id = $3)
   and ($4::uuid is null or role_assignment.team_id = $4)
   and ($5::uuid is null or role_assignment.role_assignment_id > $5)
 order by role_assignment.role_assignment_id
 limit $6
