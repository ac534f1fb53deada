-- New values of a team, if it last changed at $6, NULL being any time; NULL leaves the old one.
update team
   set handle = coalesce($2, handle),
       name = coalesce($3, name),
       description = coalesce($4, description),
       external_id = coalesce($5, external_id),
       updated_at = now()
 where team_id = $1
   and ($6::timestamptz is null or updated_at = $6)
returning team_id,
          handle,
          name,
          description,
          created_at,
          updated_at,
          external_id
