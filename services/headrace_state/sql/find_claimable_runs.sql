-- Runs of pool $2, of its queues $3 in their order, or of deployments $4, that are due from $5 and before $6, need none
-- of the limits $7 and ask for labels $8 of their worker: at most $9.
select waiting.flow_run_id
  from (
           select queue.place,
                  due_run.due_at,
                  due_run.flow_run_id
             from unnest($3::uuid[]) with ordinality as queue (work_queue_id, place)
            cross join lateral (
                      select due_run.due_at,
                             due_run.flow_run_id
                        from due_run
                       where due_run.workspace_id = $1
                         and due_run.work_pool_id = $2
                         and due_run.work_queue_id = queue.work_queue_id
                         and due_run.due_at < coalesce($6, now())
                         and due_run.due_at >= coalesce($5, '-infinity'::timestamptz)
                         and (due_run.expires_at is null or due_run.expires_at > now())
                         and not due_run.limits && $7::text[]
                         and due_run.worker_labels @> $8::jsonb
                       order by due_run.due_at, due_run.flow_run_id
                       limit $9
                  ) as due_run
            union all
           select 0,
                  due_run.due_at,
                  due_run.flow_run_id
             from due_run
            where due_run.workspace_id = $1
              and due_run.deployment_id = any ($4::uuid[])
              and due_run.due_at < coalesce($6, now())
              and due_run.due_at >= coalesce($5, '-infinity'::timestamptz)
              and (due_run.expires_at is null or due_run.expires_at > now())
              and not due_run.limits && $7::text[]
       ) as waiting
 order by waiting.place, waiting.due_at, waiting.flow_run_id
 limit $9
