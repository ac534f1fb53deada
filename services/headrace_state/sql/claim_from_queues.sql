-- Locks due runs of a pool $5, queue by queue in the order of $6, at most $7 of each and $4 in all. Runs that full
-- limits $2 hold back, or that no worker's labels $3 fit, are passed over; locked ones are somebody else's. Before its
-- floor of $8 nothing waits in a queue, as far as is known.
select claimed.flow_run_id,
       claimed.workspace_id,
       claimed.flow_id,
       claimed.flow_name,
       claimed.name,
       claimed.state_id,
       claimed.state_type,
       claimed.state_name,
       claimed.state_message,
       claimed.state_at,
       claimed.state_version,
       claimed.state_details,
       claimed.state_result,
       claimed.deployment_id,
       claimed.deployment_name,
       claimed.deployment_version_id,
       claimed.flow_version,
       claimed.work_pool_id,
       claimed.work_pool_name,
       claimed.work_queue_id,
       claimed.work_queue_name,
       claimed.worker_id,
       claimed.worker_name,
       claimed.tags,
       claimed.labels,
       claimed.notes,
       claimed.parent_task_run_id,
       claimed.parent_flow_run_id,
       claimed.root_flow_run_id,
       claimed.idempotency_key,
       claimed.creator_kind,
       claimed.creator_id,
       claimed.creator_name,
       claimed.auto_scheduled,
       claimed.retry_policy,
       claimed.retries_used,
       claimed.infrastructure_retries_used,
       claimed.run_count,
       claimed.attempt,
       claimed.attempt_token,
       claimed.lease_id,
       claimed.answers,
       claimed.limits,
       claimed.concurrency_strategy,
       claimed.maximum_lateness_seconds,
       claimed.worker_labels,
       claimed.created_at,
       claimed.updated_at,
       claimed.expected_start_at,
       claimed.next_scheduled_start_at,
       claimed.started_at,
       claimed.ended_at,
       claimed.run_seconds,
       claimed.start_delay_seconds,
       claimed.infrastructure_id,
       clock_timestamp() as now
  from unnest($6::uuid[], $7::integer[], $8::timestamptz[]) with ordinality
       as queue (work_queue_id, most, floor, place)
 cross join lateral (
           select flow_run.flow_run_id,
                  flow_run.workspace_id,
                  flow_run.flow_id,
                  flow_run.flow_name,
                  flow_run.name,
                  flow_run.state_id,
                  flow_run.state_type,
                  flow_run.state_name,
                  flow_run.state_message,
                  flow_run.state_at,
                  flow_run.state_version,
                  flow_run.state_details,
                  flow_run.state_result,
                  flow_run.deployment_id,
                  flow_run.deployment_name,
                  flow_run.deployment_version_id,
                  flow_run.flow_version,
                  flow_run.work_pool_id,
                  flow_run.work_pool_name,
                  flow_run.work_queue_id,
                  flow_run.work_queue_name,
                  flow_run.worker_id,
                  flow_run.worker_name,
                  flow_run.tags,
                  flow_run.labels,
                  flow_run.notes,
                  flow_run.parent_task_run_id,
                  flow_run.parent_flow_run_id,
                  flow_run.root_flow_run_id,
                  flow_run.idempotency_key,
                  flow_run.creator_kind,
                  flow_run.creator_id,
                  flow_run.creator_name,
                  flow_run.auto_scheduled,
                  flow_run.retry_policy,
                  flow_run.retries_used,
                  flow_run.infrastructure_retries_used,
                  flow_run.run_count,
                  flow_run.attempt,
                  flow_run.attempt_token,
                  flow_run.lease_id,
                  flow_run.answers,
                  flow_run.limits,
                  flow_run.concurrency_strategy,
                  flow_run.maximum_lateness_seconds,
                  flow_run.worker_labels,
                  flow_run.created_at,
                  flow_run.updated_at,
                  flow_run.expected_start_at,
                  flow_run.next_scheduled_start_at,
                  flow_run.started_at,
                  flow_run.ended_at,
                  flow_run.run_seconds,
                  flow_run.start_delay_seconds,
                  flow_run.infrastructure_id,
                  due_run.due_at
             from due_run
             join flow_run on flow_run.flow_run_id = due_run.flow_run_id
            where due_run.work_pool_id = $5
              and due_run.work_queue_id = queue.work_queue_id
              and due_run.workspace_id = $1
              and due_run.due_at <= now()
              and due_run.due_at >= queue.floor
              and (due_run.expires_at is null or due_run.expires_at > now())
              and not due_run.limits && $2::text[]
              and (due_run.worker_labels = '{}' or exists (
                      select 1
                        from unnest($3::jsonb[]) as worker (labels)
                       where due_run.worker_labels <@ worker.labels
                  ))
            order by due_run.due_at, due_run.flow_run_id
            limit least(queue.most, $4)
              for update of due_run, flow_run
              skip locked
       ) as claimed
 order by queue.place, claimed.due_at, claimed.flow_run_id
 limit $4
