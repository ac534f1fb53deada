-- Stores new values of a channel. A change lets it be tried at once.
update channel
   set name = $3,
       kind = $4,
       description = $5,
       paused = $6,
       config = $7,
       secrets = $8,
       policy = $9,
       held_until = null,
       updated_at = now()
 where channel_id = $1
   and workspace_id = $2
returning updated_at
