-- Tells when the next run of deployments $2 without a pool is due, and whether full limits $3 hold back runs that are.
-- Where no limit is full, what is due already is not looked at, and nothing that is due before the floor $4.
select (select min(due_run.due_at)
          from due_run
         where due_run.workspace_id = $1
           and due_run.work_pool_id is null
           and due_run.deployment_id = any ($2::uuid[])
           and due_run.due_at > now()) as next_due_at,
       cardinality($3::text[]) > 0 and exists (
           select 1
             from due_run
            where due_run.workspace_id = $1
              and due_run.work_pool_id is null
              and due_run.deployment_id = any ($2::uuid[])
              and due_run.due_at <= now()
              and due_run.due_at >= $4::timestamptz
              and due_run.limits && $3::text[]
       ) as is_blocked
