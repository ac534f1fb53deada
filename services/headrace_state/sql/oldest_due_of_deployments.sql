-- Tells when the oldest run is due that waits without a pool, for each of deployments $2.
select deployment.deployment_id as key,
       oldest.due_at,
       now() as now
  from unnest($2::uuid[]) as deployment (deployment_id)
  left join lateral (
           select due_run.due_at
             from due_run
            where due_run.workspace_id = $1
              and due_run.work_pool_id is null
              and due_run.deployment_id = deployment.deployment_id
            order by due_run.due_at
            limit 1
       ) as oldest on true
