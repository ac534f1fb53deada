-- Users into a team.
insert into team_member (team_id, principal_id)
select $1, principal_id
  from principal
 where principal_id = any($2::uuid[])
   and workspace_id is null
    on conflict do nothing
