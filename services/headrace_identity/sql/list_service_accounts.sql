-- Service accounts of a workspace behind a handle.
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
 where workspace_id = $1
   and handle > $2
 order by handle
 limit $3
