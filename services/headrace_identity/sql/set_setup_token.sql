-- What the first administrator gets in with, in place of an earlier one.
insert into setup_token (secret_hash, expires_at)
values ($1, now() + make_interval(secs => $2))
    on conflict (is_only) do update
   set secret_hash = excluded.secret_hash,
       expires_at = excluded.expires_at
