-- Set a user's password; one-time codes stay as they are.
insert into password (principal_id, hash)
values ($1, $2)
on conflict (principal_id) do update
   set hash = excluded.hash,
       changed_at = now(),
       failures = 0,
       locked_until = null
