-- An invitation.
insert into invitation (invitation_id, account_id, workspace_id, email, role, secret_hash, invited_by, expires_at)
select $1, account_id, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)
  from account
 order by created_at
 limit 1
returning invitation_id,
          workspace_id,
          email,
          role,
          created_at,
          expires_at
