-- One workspace by its id.
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
 where workspace_id = $1
