-- The status of a worker before it changes.
select status
  from worker
 where worker_id = $1
   for update
