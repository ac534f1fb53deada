-- Returns which delivery a message became whose key is known.
select channel_delivery_id
  from channel_delivery
 where channel_id = $1
   and dedup_key = $2
