-- That somebody holds a role; nothing where that is so already.
insert into role_assignment (
           role_assignment_id, account_id, workspace_id, principal_id, team_id, role, object_kind, object
       )
select $1, account_id, $2, $3, $4, $5, $6, $7
  from account
 order by created_at
 limit 1
    on conflict do nothing
