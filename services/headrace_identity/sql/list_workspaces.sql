-- Workspaces behind a handle, in order of handles; $2 limits to those that may be seen.
select workspace_id,
       account_id,
       handle,
       name,
       description,
       created_at,
       updated_at,
       calls_per_second,
       concurrent_calls
  from workspace
 where handle > $1
   and ($2::uuid[] is null or workspace_id = any($2))
 order by handle
 limit $3
