-- Tells when the next run of pools, or of deployments without a pool, is due.
select least(
           (select min(due_run.due_at)
              from due_run
             where due_run.work_pool_id = any ($2::uuid[])
               and due_run.workspace_id = $1),
           (select min(due_run.due_at)
              from due_run
             where due_run.work_pool_id is null
               and due_run.deployment_id = any ($3::uuid[])
               and due_run.workspace_id = $1)
       ) as next_due_at
