-- Stores a new webhook; nothing is returned if its id or its slug is taken.
insert into webhook (
       webhook_id, workspace_id, name, slug, description, paused, authentication, secret, secret_before, grace_until,
       template, replay_window_seconds, most_bytes, most_per_minute, handshake, creator
       )
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    on conflict do nothing
returning created_at, updated_at
