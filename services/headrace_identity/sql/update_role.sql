-- New values of a role; NULL leaves the old one.
update role
   set name = coalesce($2, name),
       description = coalesce($3, description),
       permissions = coalesce($4, permissions),
       updated_at = now()
 where handle = $1
returning handle,
          name,
          description,
          permissions,
          created_at,
          updated_at
