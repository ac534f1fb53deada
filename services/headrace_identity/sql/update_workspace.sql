-- Change what is given and keep the rest; a change to the same values counts as one.
update workspace
   set handle = coalesce($2, handle),
       name = coalesce($3, name),
       description = coalesce($4, description),
       calls_per_second = coalesce($5, calls_per_second),
       concurrent_calls = coalesce($6, concurrent_calls),
       updated_at = now()
 where workspace_id = $1
returning workspace_id,
          account_id,
          handle,
          name,
          description,
          created_at,
          updated_at,
          calls_per_second,
          concurrent_calls
