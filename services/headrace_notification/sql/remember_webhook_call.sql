-- Returns the event that a call became when it came before within the window, else the one that it becomes now.
insert into webhook_call as known (webhook_id, digest, workspace_id, event_id, expires_at)
values ($1, $2, $3, $4, now() + make_interval(secs => $5))
    on conflict (webhook_id, digest) do update
   set event_id = case when known.expires_at <= now() then excluded.event_id else known.event_id end,
       expires_at = case when known.expires_at <= now() then excluded.expires_at else known.expires_at end
returning event_id
