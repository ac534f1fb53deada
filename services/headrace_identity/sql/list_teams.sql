-- Teams behind a handle.
select team_id,
       handle,
       name,
       description,
       created_at,
       updated_at,
       external_id
  from team
 where handle > $1
   and ($2 = '' or external_id = $2)
 order by handle
 limit $3
