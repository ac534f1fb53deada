-- Locks channels to which something is to be sent now, other than those that another process has or that are busy.
with recursive waiting (channel_id) as (
       (
       select channel_delivery.channel_id
         from channel_delivery
        where channel_delivery.status = 'PENDING'
        order by channel_delivery.channel_id
        limit 1
       )
       union all
       select (
              select channel_delivery.channel_id
                from channel_delivery
               where channel_delivery.status = 'PENDING'
                 and channel_delivery.channel_id > waiting.channel_id
               order by channel_delivery.channel_id
               limit 1
              )
         from waiting
        where waiting.channel_id is not null
     )
select channel.channel_id,
       channel.kind,
       channel.policy,
       channel.free_at,
       clock_timestamp() as read_at
  from channel
 where channel.channel_id in (select waiting.channel_id from waiting)
   and not channel.channel_id = any ($1::uuid[])
   and not channel.paused
   and (channel.held_until is null or channel.held_until <= now())
   and exists (
       select 1
         from channel_delivery
        where channel_delivery.status = 'PENDING'
          and channel_delivery.channel_id = channel.channel_id
          and channel_delivery.next_try_at <= now()
       )
 order by channel.free_at nulls first
 limit $2
   for update of channel skip locked
