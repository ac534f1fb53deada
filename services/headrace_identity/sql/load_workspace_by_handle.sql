-- One workspace by its handle.
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
 where handle = $1
