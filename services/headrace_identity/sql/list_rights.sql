-- All roles of a principal, by itself and through teams, with the permissions of those that users made.
select role_assignment.workspace_id,
       role_assignment.role,
       role_assignment.object_kind,
       role_assignment.object,
       role.permissions
  from role_assignment
  left join role
    on role.account_id = role_assignment.account_id
   and role.handle = role_assignment.role
 where role_assignment.principal_id = $1
    or role_assignment.team_id in (
           select team_id
             from team_member
            where principal_id = $1
       )
