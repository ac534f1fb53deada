-- Queues a delivery again that was given up.
update delivery
   set status = 'PENDING',
       tries = 0,
       next_try_at = now(),
       ended_at = null
 where delivery_id = $1
   and workspace_id = $2
   and status = 'DEAD'
returning delivery_id
