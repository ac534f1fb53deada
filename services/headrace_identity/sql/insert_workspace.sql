-- Store a workspace in the first account; no row if its id or handle is taken.
insert into workspace (workspace_id, account_id, handle, name, description)
select $1, account.account_id, $2, $3, $4
  from account
 order by account.created_at, account.account_id
 limit 1
on conflict do nothing
returning workspace_id,
          account_id,
          handle,
          name,
          description,
          created_at,
          updated_at,
          calls_per_second,
          concurrent_calls
