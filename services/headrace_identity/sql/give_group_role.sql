-- Give a user a role that a group has, in a workspace or in the account.
insert into role_assignment (role_assignment_id, account_id, workspace_id, principal_id, role)
select $2, account_id, $3::uuid, principal_id, $4
  from principal
 where principal_id = $1
on conflict do nothing
returning role_assignment_id
