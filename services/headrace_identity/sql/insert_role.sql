-- A role; nothing where the handle is taken.
insert into role (account_id, handle, name, description, permissions)
select account_id, $1, $2, $3, $4
  from account
 order by created_at
 limit 1
    on conflict do nothing
returning handle,
          name,
          description,
          permissions,
          created_at,
          updated_at
