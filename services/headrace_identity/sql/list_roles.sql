-- Roles behind a handle.
select handle,
       name,
       description,
       permissions,
       created_at,
       updated_at
  from role
 where handle > $1
 order by handle
 limit $2
