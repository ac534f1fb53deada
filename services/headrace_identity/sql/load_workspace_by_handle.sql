-- One workspace by its handle.
select workspace_id,
       account_id,
       handle,
       name,
       description,
       created_at,
       updated_at
  from workspace
 where handle = $1
