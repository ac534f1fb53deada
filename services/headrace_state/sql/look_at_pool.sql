-- Tells when the next run of a pool $2, or of queues $4 of it, is due, and whether full limits $3 hold back due ones.
-- Where no limit is full, what is due already is not looked at, and nothing that is due before the floor $5.
select (select min(due_run.due_at)
          from due_run
         where due_run.workspace_id = $1
           and due_run.work_pool_id = $2
           and (cardinality($4::uuid[]) = 0 or due_run.work_queue_id = any ($4::uuid[]))
           and due_run.due_at > now()) as next_due_at,
       cardinality($3::text[]) > 0 and exists (
           select 1
             from due_run
            where due_run.workspace_id = $1
              and due_run.work_pool_id = $2
              and (cardinality($4::uuid[]) = 0 or due_run.work_queue_id = any ($4::uuid[]))
              and due_run.due_at <= now()
              and due_run.due_at >= $5::timestamptz
              and due_run.limits && $3::text[]
       ) as is_blocked
