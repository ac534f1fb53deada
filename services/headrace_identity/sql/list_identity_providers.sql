-- Providers behind a handle, in order of handles.
select handle,
       name,
       kind,
       is_enabled,
       creates_users,
       settings,
       secret,
       group_roles,
       created_at,
       updated_at
  from identity_provider
 where handle > $1
 order by handle
 limit $2
