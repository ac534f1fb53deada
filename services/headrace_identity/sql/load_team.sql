-- A team by id or handle.
select team_id,
       handle,
       name,
       description,
       created_at,
       updated_at,
       external_id
  from team
 where team_id = $1
    or handle = $2
