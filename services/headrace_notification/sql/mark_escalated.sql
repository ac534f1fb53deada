-- Stores that another channel is told of a delivery, or that none can be.
update channel_delivery
   set escalates_at = null,
       escalated_to_id = $2
 where channel_delivery_id = $1
