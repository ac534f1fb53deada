-- A user (no workspace) or a service account; nothing where the handle is taken.
insert into principal (principal_id, account_id, workspace_id, kind, handle, display_name)
select $1, account_id, $2, $3, $4, $5
  from account
 order by created_at
 limit 1
    on conflict do nothing
returning principal_id,
          account_id,
          workspace_id,
          kind,
          handle,
          display_name,
          is_active,
          last_seen_at,
          created_at,
          updated_at
