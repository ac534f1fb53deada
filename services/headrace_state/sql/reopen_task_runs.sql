-- Makes finished task runs $3 (all where it is null) be executed again, with those that depend on them, or may:
-- what began after them and took nothing from task runs that is known. Returns their new states.
with recursive chosen as (
    select task_run.task_run_id,
           task_run.ended_at
      from task_run
     where task_run.workspace_id = $1
       and task_run.flow_run_id = $2
       and ($3::uuid[] is null or task_run.task_run_id = any ($3::uuid[]))
     union
    select dependant.task_run_id,
           dependant.ended_at
      from chosen
      join task_run as dependant
        on dependant.workspace_id = $1
       and dependant.flow_run_id = $2
       and (
               dependant.inputs @> jsonb_build_array(jsonb_build_object('source', chosen.task_run_id::text))
            or (
                   dependant.started_at >= chosen.ended_at
               -- The kinds of inputs that come from task runs.
               and not coalesce(dependant.inputs @? '$[*] ? (@.kind == 1 || @.kind == 5)', false)
               )
           )
),
reopened as (
    update task_run
       set state_id = gen_random_uuid(),
           state_type = 'SCHEDULED',
           state_name = 'AwaitingRetry',
           state_message = 'It is executed again on request.',
           state_at = greatest(clock_timestamp(), task_run.state_at),
           state_version = task_run.state_version + 1,
           state_details = '{"reason": "RETRY_REQUESTED"}',
           state_result = null,
           ended_at = null,
           updated_at = now()
      from chosen
     where task_run.task_run_id = chosen.task_run_id
       and task_run.state_type in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
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
    select reopened.task_run_id,
           reopened.state_version,
           reopened.state_at,
           reopened.workspace_id,
           reopened.flow_run_id,
           reopened.attempt,
           reopened.state_id,
           reopened.state_type,
           reopened.state_name,
           reopened.state_message,
           reopened.state_details
      from reopened
)
select reopened.task_run_id,
       reopened.run_count,
       reopened.state_id,
       reopened.state_type,
       reopened.state_name,
       reopened.state_message,
       reopened.state_at,
       reopened.state_version,
       reopened.state_details,
       reopened.state_result
  from reopened
 order by reopened.task_run_id
