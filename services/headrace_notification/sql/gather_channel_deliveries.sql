-- Takes deliveries that are due into one of their group that is sent now, and counts them.
with parts as (
       select channel_delivery.channel_delivery_id
         from channel_delivery
        where channel_delivery.channel_id = $2
          and channel_delivery.group_key = $3
          and channel_delivery.status = 'PENDING'
          and channel_delivery.channel_delivery_id <> $1
          and (
              channel_delivery.channel_delivery_id = any ($4::uuid[])
              or (channel_delivery.tries = 0 and channel_delivery.next_try_at <= now())
              )
        order by channel_delivery.channel_delivery_id
        limit $5
          for update
     ),
     taken as (
       update channel_delivery
          set status = 'GROUPED',
              digest_id = $1,
              next_try_at = null,
              ended_at = now()
         from parts
        where channel_delivery.channel_delivery_id = parts.channel_delivery_id
       returning channel_delivery.channel_delivery_id
     )
update channel_delivery
   set grouped = channel_delivery.grouped + (select count(*) from taken)
 where channel_delivery.channel_delivery_id = $1
returning channel_delivery.grouped
