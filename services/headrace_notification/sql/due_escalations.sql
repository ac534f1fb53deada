-- Locks deliveries that nobody acknowledged in time.
select channel_delivery_id
  from channel_delivery
 where escalates_at <= now()
 order by escalates_at
 limit $1
   for update skip locked
