-- A principal, with keys, sessions and roles, if it last changed at $4, NULL being any time.
delete from principal
 where principal_id = $1
   and kind = $2
   and ($3::uuid is null or workspace_id = $3)
   and ($4::timestamptz is null or updated_at = $4)
