-- A user (no workspace) or a service account; nothing where the handle or external id is taken.
insert into principal (principal_id, account_id, workspace_id, kind, handle, display_name, external_id)
select $1, account_id, $2, $3, $4, $5, $6
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
          updated_at,
          external_id
