-- Tells when the oldest run is due that waits in each of queues $2 of a pool $3.
select queue.work_queue_id as key,
       oldest.due_at,
       now() as now
  from unnest($2::uuid[]) as queue (work_queue_id)
  left join lateral (
           select due_run.due_at
             from due_run
            where due_run.workspace_id = $1
              and due_run.work_pool_id = $3
              and due_run.work_queue_id = queue.work_queue_id
            order by due_run.due_at
            limit 1
       ) as oldest on true
