-- Keep a provider; an empty secret keeps the one that is there. Names by which an issuer knows people say nothing of
-- those of another one, so they are forgotten with it.
with before as (
     select kind, settings ->> 'issuer' as issuer
       from identity_provider
      where handle = $1
), forgotten as (
     delete from external_identity
      using before
      where external_identity.provider = $1
        and (before.kind <> $3 or before.issuer is distinct from $6::jsonb ->> 'issuer')
)
insert into identity_provider as kept (handle, name, kind, is_enabled, creates_users, settings, secret, group_roles)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (handle) do update
   set name = excluded.name,
       kind = excluded.kind,
       is_enabled = excluded.is_enabled,
       creates_users = excluded.creates_users,
       settings = excluded.settings,
       secret = case when excluded.secret = '' then kept.secret else excluded.secret end,
       group_roles = excluded.group_roles,
       updated_at = now()
returning handle,
       name,
       kind,
       is_enabled,
       creates_users,
       settings,
       secret,
       group_roles,
       created_at,
       updated_at
