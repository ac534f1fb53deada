-- An open invitation, by the hash of its token.
select invitation_id,
       workspace_id,
       email,
       role,
       created_at,
       expires_at
  from invitation
 where secret_hash = $1
   and accepted_at is null
   and expires_at > now()
