-- Users out of a team.
delete from team_member
 where team_id = $1
   and principal_id = any($2::uuid[])
