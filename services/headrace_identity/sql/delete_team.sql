-- A team, with the roles that it holds, if it last changed at $2, NULL being any time.
delete from team
 where team_id = $1
   and ($2::timestamptz is null or updated_at = $2)
