-- Change what is given and keep the rest; a change to the same values counts as one.
update workspace
   set handle = coalesce($2, handle),
       name = coalesce($3, name),
       description = coalesce($4, description),
       updated_at = now()
 where workspace_id = $1
returning workspace_id,
          account_id,
          handle,
          name,
          description,
          created_at,
          updated_at
