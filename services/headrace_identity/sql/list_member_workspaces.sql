-- Workspaces in which a principal has a role; NULL stands for the account.
select distinct workspace_id
  from role_assignment
 where principal_id = $1
    or team_id in (
           select team_id
             from team_member
            where principal_id = $1
       )
