-- Somebody is signed in; sessions that have ended go.
with gone as (
     delete from session where expires_at < now()
)
insert into session (
       session_id,
       principal_id,
       secret_hash,
       provider,
       address,
       user_agent,
       created_at,
       last_used_at,
       expires_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
