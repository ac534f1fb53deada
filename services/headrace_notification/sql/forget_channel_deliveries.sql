-- Deletes deliveries to channels that ended some days ago.
delete from channel_delivery
 where channel_delivery_id = any (array (
       select channel_delivery_id
         from channel_delivery
        where ended_at < now() - make_interval(days => $1)
          and escalates_at is null
        order by ended_at
        limit $2
       ))
