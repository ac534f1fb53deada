-- A key; how long it lives counts from now.
insert into api_key (
           api_key_id, principal_id, workspace_id, name, secret_hash, permissions, lifetime_seconds, expires_at
       )
select $1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $7)
