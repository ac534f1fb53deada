-- Claims due deliveries for a try, as many of each channel as it may be sent now.
with claimed as (
       select due.channel_delivery_id
         from unnest($1::uuid[], $2::integer[]) as channel (channel_id, allowance)
        cross join lateral (
              select channel_delivery.channel_delivery_id
                from channel_delivery
               where channel_delivery.status = 'PENDING'
                 and channel_delivery.channel_id = channel.channel_id
                 and channel_delivery.next_try_at <= now()
               order by channel_delivery.next_try_at, channel_delivery.channel_delivery_id
               limit channel.allowance
                 for update skip locked
              ) as due
     )
update channel_delivery
   set tries = channel_delivery.tries + 1,
       next_try_at = now() + make_interval(secs => $3)
  from claimed
 where channel_delivery.channel_delivery_id = claimed.channel_delivery_id
returning channel_delivery.channel_delivery_id,
       channel_delivery.channel_id,
       channel_delivery.group_key,
       channel_delivery.tries
