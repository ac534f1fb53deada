-- Sessions of a user that go on, the newest first.
select session_id,
       principal_id,
       secret_hash,
       provider,
       address,
       user_agent,
       created_at,
       last_used_at,
       expires_at
  from session
 where principal_id = $1
   and expires_at > now()
   and ($2::uuid is null or session_id < $2)
 order by session_id desc
 limit $3
