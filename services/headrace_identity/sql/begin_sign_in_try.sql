-- Count a try to sign in as a wrong one until it is known to be right; none is counted while the name is locked.
-- Names that nobody has tried for a day are forgotten.
with gone as (
     delete from sign_in_try
      where tried_at < $3::timestamptz - interval '1 day'
        and (provider, name_digest) <> ($1, $2)
)
insert into sign_in_try (provider, name_digest, failures, tried_at)
values ($1, $2, 1, $3)
on conflict (provider, name_digest) do update
   set failures = sign_in_try.failures + case when sign_in_try.locked_until > $3 then 0 else 1 end,
       tried_at = $3
returning failures, locked_until
