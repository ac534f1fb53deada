-- Stores task runs $1 with history $2, as they were elsewhere. Those whose id is taken are left out with all that
-- belongs to them. Returns the ids of those that were stored.
with made as (
    insert into task_run (
           task_run_id,
           workspace_id,
           flow_run_id,
           task_key,
           dynamic_key,
           name,
           state_id,
           state_type,
           state_name,
           state_message,
           state_at,
           state_version,
           state_details,
           state_result,
           tags,
           labels,
           task_version,
           inputs,
           retry_policy,
           cache_key,
           cache_expires_at,
           run_count,
           flow_run_run_count,
           attempt,
           child_flow_run_id,
           created_at,
           updated_at,
           expected_start_at,
           started_at,
           ended_at,
           run_seconds
    )
    select new.task_run_id,
           new.workspace_id,
           new.flow_run_id,
           new.task_key,
           new.dynamic_key,
           new.name,
           new.state_id,
           new.state_type,
           new.state_name,
           new.state_message,
           new.state_at,
           new.state_version,
           new.state_details,
           new.state_result,
           new.tags,
           new.labels,
           new.task_version,
           new.inputs,
           new.retry_policy,
           new.cache_key,
           new.cache_expires_at,
           new.run_count,
           new.flow_run_run_count,
           new.attempt,
           new.child_flow_run_id,
           new.created_at,
           new.updated_at,
           new.expected_start_at,
           new.started_at,
           new.ended_at,
           new.run_seconds
      from json_populate_recordset(null::task_run, $1::text::json) as new
        on conflict do nothing
    returning task_run_id
),
history as (
    insert into transition (
           run_id,
           version,
           occurred_at,
           workspace_id,
           flow_run_id,
           attempt,
           state_id,
           state_type,
           state_name,
           message,
           details,
           result
    )
    select new.run_id,
           new.version,
           new.occurred_at,
           new.workspace_id,
           new.flow_run_id,
           new.attempt,
           new.state_id,
           new.state_type,
           new.state_name,
           new.message,
           new.details,
           new.result
      from json_populate_recordset(null::transition, $2::text::json) as new
      join made on made.task_run_id = new.run_id
)
select made.task_run_id
  from made
