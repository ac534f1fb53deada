-- A principal, with keys, sessions and roles.
delete from principal
 where principal_id = $1
   and kind = $2
   and ($3::uuid is null or workspace_id = $3)
