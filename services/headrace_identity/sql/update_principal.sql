-- New values of a principal, if it last changed at $6, NULL being any time; NULL leaves the old one.
update principal
   set handle = coalesce($2, handle),
       display_name = coalesce($3, display_name),
       is_active = coalesce($4, is_active),
       external_id = coalesce($5, external_id),
       updated_at = now()
 where principal_id = $1
   and ($6::timestamptz is null or updated_at = $6)
returning principal_id,
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
