-- Who holds a role somewhere.
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
 where coalesce(role_assignment.principal_id, role_assignment.team_id) = $1
   and role_assignment.workspace_id is not distinct from $2
   and role_assignment.role = $3
   and role_assignment.object_kind = $4
   and role_assignment.object = $5
