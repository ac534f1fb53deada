-- Returns what must be known of a channel to queue a message for it.
select name,
       kind,
       policy,
       clock_timestamp() as read_at
  from channel
 where channel_id = $1
   and workspace_id = $2
