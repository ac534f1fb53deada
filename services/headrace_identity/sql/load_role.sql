-- A role by handle.
select handle,
       name,
       description,
       permissions,
       created_at,
       updated_at
  from role
 where handle = $1
