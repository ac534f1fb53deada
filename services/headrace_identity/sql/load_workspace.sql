-- One workspace by its id.
select workspace_id,
       account_id,
       handle,
       name,
       description,
       created_at,
       updated_at
  from workspace
 where workspace_id = $1
