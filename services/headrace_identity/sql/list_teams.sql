-- Teams behind a handle.
select team_id,
       handle,
       name,
       description,
       created_at,
       updated_at
  from team
 where handle > $1
 order by handle
 limit $2
