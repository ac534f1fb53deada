-- A user by e-mail address.
select principal_id,
       account_id,
       workspace_id,
       kind,
       handle,
       display_name,
       is_active,
       last_seen_at,
       created_at,
       updated_at,
       external_id
  from principal
 where handle = $1
   and workspace_id is null
