-- Tells when the next run of deployments $2 without a pool is due, and whether full limits $3 hold back runs that are.
select min(due_run.due_at) filter (where due_run.due_at > now()) as next_due_at,
       coalesce(bool_or(due_run.due_at <= now() and due_run.limits && $3::text[]), false) as is_blocked
  from due_run
 where due_run.workspace_id = $1
   and due_run.work_pool_id is null
   and due_run.deployment_id = any ($2::uuid[])
