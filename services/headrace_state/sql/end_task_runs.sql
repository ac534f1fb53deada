-- Moves the task runs of flow runs $2 that are not final into a final state each; returns their new states.
with ended as (
    update task_run
       set state_id = gen_random_uuid(),
           state_type = wanted.state_type,
           state_name = wanted.state_name,
           state_message = wanted.state_message,
           state_at = greatest(clock_timestamp(), task_run.state_at),
           state_version = task_run.state_version + 1,
           state_details = wanted.state_details,
           state_result = null,
           run_seconds = task_run.run_seconds
               + case when task_run.state_type = 'RUNNING'
                      then greatest(0, extract(epoch from clock_timestamp() - task_run.state_at))::double precision
                      else 0
                 end,
           ended_at = greatest(clock_timestamp(), task_run.state_at),
           updated_at = now()
      from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
        as wanted (flow_run_id, state_type, state_name, state_message, state_details)
     where task_run.workspace_id = $1
       and task_run.flow_run_id = wanted.flow_run_id
       and task_run.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
    returning task_run.task_run_id,
              task_run.flow_run_id,
              task_run.workspace_id,
              task_run.attempt,
              task_run.run_count,
              task_run.state_id,
              task_run.state_type,
              task_run.state_name,
              task_run.state_message,
              task_run.state_at,
              task_run.state_version,
              task_run.state_details,
              task_run.state_result
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
           details
    )
    select ended.task_run_id,
           ended.state_version,
           ended.state_at,
           ended.workspace_id,
           ended.flow_run_id,
           ended.attempt,
           ended.state_id,
           ended.state_type,
           ended.state_name,
           ended.state_message,
           ended.state_details
      from ended
)
select ended.task_run_id,
       ended.flow_run_id,
       ended.run_count,
       ended.state_id,
       ended.state_type,
       ended.state_name,
       ended.state_message,
       ended.state_at,
       ended.state_version,
       ended.state_details,
       ended.state_result
  from ended
 order by ended.task_run_id
