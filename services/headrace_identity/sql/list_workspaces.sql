-- Workspaces behind a handle, in order of handles; $2 limits to the one that may be seen.
select workspace_id,
       account_id,
       handle,
       name,
       description,
       created_at,
       updated_at
  from workspace
 where handle > $1
   and ($2::uuid is null or workspace_id = $2)
 order by handle
 limit $3
