-- Puts a claimed delivery back until quiet hours are over; it was not tried.
update channel_delivery
   set tries = tries - 1,
       next_try_at = $3
 where channel_delivery_id = $1
   and tries = $2
   and status = 'PENDING'
