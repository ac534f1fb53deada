-- An open invitation taken up, by the hash of its token; only once.
update invitation
   set accepted_at = now()
 where secret_hash = $1
   and accepted_at is null
   and expires_at > now()
returning invitation_id,
          workspace_id,
          email,
          role,
          created_at,
          expires_at
