-- A team, with the roles that it holds.
delete from team
 where team_id = $1
