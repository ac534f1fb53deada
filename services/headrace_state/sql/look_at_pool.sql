-- Tells when the next run of a pool $2 is due, and whether full limits $3 hold back runs that are.
select min(due_run.due_at) filter (where due_run.due_at > now()) as next_due_at,
       coalesce(bool_or(due_run.due_at <= now() and due_run.limits && $3::text[]), false) as is_blocked
  from due_run
 where due_run.workspace_id = $1
   and due_run.work_pool_id = $2
   and (cardinality($4::uuid[]) = 0 or due_run.work_queue_id = any ($4::uuid[]))
