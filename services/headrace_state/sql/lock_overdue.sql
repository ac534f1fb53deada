-- Locks runs that are due since $1 seconds and not known to be late, or that are too late to run; locked ones are
-- somebody else's. With $3, only those that are due since no more than so many seconds.
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
       coalesce(due_run.expires_at <= now(), false) as is_too_late,
       clock_timestamp() as now
  from due_run
  join flow_run on flow_run.flow_run_id = due_run.flow_run_id
 where due_run.due_at <= now()
   and due_run.due_at >= coalesce(now() - make_interval(secs => $3::double precision), '-infinity'::timestamptz)
   and (
           due_run.expires_at <= now()
        or (not due_run.is_late and due_run.due_at <= now() - make_interval(secs => $1))
       )
 order by due_run.due_at, due_run.flow_run_id
 limit $2
   for update of due_run, flow_run
  skip locked
