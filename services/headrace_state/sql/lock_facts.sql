-- Locks a flow run and brings all that the rules may know of it, with the first answer to the proposal $3.
--
-- `snapshot_version` tells whether the rest is as old as the run: if another transaction was waited for, it is
-- below `state_version`, and the statement is to be run again under the lock.
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
       clock_timestamp() as now,
       lease.expires_at as lease_expires_at,
       lease.duration_seconds as lease_seconds,
       seen.state_version as snapshot_version,
       first.state_id as first_state_id,
       first.state_type as first_state_type,
       first.state_name as first_state_name,
       first.message as first_message,
       first.occurred_at as first_occurred_at,
       first.version as first_version,
       first.details as first_details,
       first.result as first_result,
       first.answer as first_answer
  from flow_run
  join flow_run as seen on seen.flow_run_id = flow_run.flow_run_id
  left join lease on lease.lease_id = flow_run.lease_id
  left join lateral (
           select transition.state_id,
                  transition.state_type,
                  transition.state_name,
                  transition.message,
                  transition.occurred_at,
                  transition.version,
                  transition.details,
                  transition.result,
                  transition.answer
             from transition
            where transition.run_id = $2
              and transition.proposal_id = $3
              and transition.occurred_at >= $4
            limit 1
       ) as first on true
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
   for update of flow_run
