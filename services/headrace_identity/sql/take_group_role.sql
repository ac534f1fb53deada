-- Take a role from a user whose group has it no longer, or who left the group.
delete from role_assignment
 where principal_id = $1
   and role = $3
   and workspace_id is not distinct from $2::uuid
   and object_kind = ''
returning role_assignment_id
