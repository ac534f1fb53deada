-- Stores when all that was sent to channels is spread out.
update channel
   set free_at = saved.free_at
  from unnest($1::uuid[], $2::timestamptz[]) as saved (channel_id, free_at)
 where channel.channel_id = saved.channel_id
