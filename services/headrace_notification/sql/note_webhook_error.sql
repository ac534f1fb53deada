-- Stores what was wrong with a call.
update webhook
   set last_error = $2,
       last_error_at = now()
 where webhook_id = $1
