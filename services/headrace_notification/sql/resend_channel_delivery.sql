-- Queues a delivery again that ended and was not sent as a part of another.
update channel_delivery
   set status = 'PENDING',
       last_try = tries + $3,
       next_try_at = now(),
       ended_at = null,
       escalates_at = null
 where channel_delivery_id = $1
   and workspace_id = $2
   and status in ('DEAD', 'DELIVERED')
   and exists (select 1 from channel where channel.channel_id = channel_delivery.channel_id)
returning channel_delivery_id
