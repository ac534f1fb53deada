-- Tells how a run $2 waits to be claimed: since when, and how many due runs stand before it, at most $3; those that
-- full limits $4 hold back do not.
select due_run.due_at,
       due_run.expires_at,
       due_run.worker_labels,
       (select count(*)
          from (
                   select 1
                     from due_run as other
                    where other.workspace_id = due_run.workspace_id
                      and other.due_at <= now()
                      and (other.expires_at is null or other.expires_at > now())
                      and not other.limits && $4::text[]
                      and (other.due_at, other.flow_run_id) < (due_run.due_at, due_run.flow_run_id)
                      and case
                              when due_run.work_pool_id is null
                              then other.work_pool_id is null and other.deployment_id = due_run.deployment_id
                              else other.work_pool_id = due_run.work_pool_id
                                   and other.work_queue_id = due_run.work_queue_id
                          end
                    limit $3
               ) as before) as ahead
  from due_run
 where due_run.workspace_id = $1
   and due_run.flow_run_id = $2
