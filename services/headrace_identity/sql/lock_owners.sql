-- Users who own the account, by themselves; locked, so that the last two cannot go at once.
select role_assignment.principal_id
  from role_assignment
  join principal using (principal_id)
 where role_assignment.workspace_id is null
   and role_assignment.role = 'owner'
   and principal.is_active
   for update of role_assignment
