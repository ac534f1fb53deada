-- Stores a new channel, unless its id or its name is taken.
insert into channel (channel_id, workspace_id, name, kind, description, paused, config, secrets, policy)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning created_at, updated_at
