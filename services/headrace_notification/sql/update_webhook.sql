-- Stores new values of a webhook.
update webhook
   set name = $3,
       slug = $4,
       description = $5,
       paused = $6,
       authentication = $7,
       secret = $8,
       secret_before = $9,
       grace_until = $10,
       template = $11,
       replay_window_seconds = $12,
       most_bytes = $13,
       most_per_minute = $14,
       handshake = $15,
       updated_at = now()
 where webhook_id = $1
   and workspace_id = $2
returning updated_at
