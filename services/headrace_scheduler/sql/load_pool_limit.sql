-- The limit that a work pool has now.
select concurrency_limit
  from work_pool
 where work_pool_id = $1
