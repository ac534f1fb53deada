-- A team; nothing where the handle or external id is taken.
insert into team (team_id, account_id, handle, name, description, external_id)
select $1, account_id, $2, $3, $4, $5
  from account
 order by created_at
 limit 1
    on conflict do nothing
returning team_id,
          handle,
          name,
          description,
          created_at,
          updated_at,
          external_id
