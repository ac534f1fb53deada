-- Returns the first messages of a digest and its newest one.
select parts.message, parts.created_at
  from (
       (
       select channel_delivery_id, message, created_at
         from channel_delivery
        where digest_id = $1
        order by channel_delivery_id
        limit $2
       )
       union
       (
       select channel_delivery_id, message, created_at
         from channel_delivery
        where digest_id = $1
        order by channel_delivery_id desc
        limit 1
       )
       ) as parts
 order by parts.channel_delivery_id
