-- Open invitations of a workspace, newest first.
select invitation_id,
       workspace_id,
       email,
       role,
       created_at,
       expires_at
  from invitation
 where workspace_id = $1
   and accepted_at is null
   and expires_at > now()
   and ($2::timestamptz is null or (created_at, invitation_id) < ($2, $3))
 order by created_at desc, invitation_id desc
 limit $4
