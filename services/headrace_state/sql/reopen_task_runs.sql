-- Makes finished task runs $3 (all where it is null) be executed again, with those that depend on them, or may:
-- what began after them and took nothing from task runs that is known. Returns their new states.
with recursive edge as materialized (
    select task_run.task_run_id,
           input ->> 'source' as source
      from task_run
     cross join jsonb_array_elements(task_run.inputs) as input
     where task_run.workspace_id = $1
       and task_run.flow_run_id = $2
       and $3::uuid[] is not null
),
named as (
    select min(task_run.ended_at) as ended_at
      from task_run
     where task_run.workspace_id = $1
       and task_run.flow_run_id = $2
       and task_run.task_run_id = any ($3::uuid[])
),
chosen as (
    select task_run.task_run_id
      from task_run
     where task_run.workspace_id = $1
       and task_run.flow_run_id = $2
       and (
               $3::uuid[] is null
            or task_run.task_run_id = any ($3::uuid[])
            or (
                   task_run.started_at >= (select named.ended_at from named)
               -- The kinds of inputs that come from task runs.
               and not coalesce(task_run.inputs @? '$[*] ? (@.kind == 1 || @.kind == 5)', false)
               )
           )
     union
    select edge.task_run_id
      from chosen
      join edge on edge.source = chosen.task_run_id::text
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
