-- One session.
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
 where session_id = $1
