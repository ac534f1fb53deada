-- Moves the task runs of a flow run that are not final into a final state; returns their new states.
with ended as (
    update task_run
       set state_id = gen_random_uuid(),
           state_type = $3,
           state_name = $4,
           state_message = $5,
           state_at = greatest(clock_timestamp(), task_run.state_at),
           state_version = task_run.state_version + 1,
           state_details = $6,
           state_result = null,
           run_seconds = task_run.run_seconds
               + case when task_run.state_type = 'RUNNING'
                      then greatest(0, extract(epoch from clock_timestamp() - task_run.state_at))::double precision
                      else 0
                 end,
           ended_at = greatest(clock_timestamp(), task_run.state_at),
           updated_at = now()
     where task_run.workspace_id = $1
       and task_run.flow_run_id = $2
       and task_run.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
    returning task_run_id,
              flow_run_id,
              workspace_id,
              attempt,
              run_count,
              state_id,
              state_type,
              state_name,
              state_message,
              state_at,
              state_version,
              state_details,
              state_result
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
