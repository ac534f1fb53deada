-- The limit that a work queue has now.
select concurrency_limit
  from work_queue
 where work_queue_id = $1
