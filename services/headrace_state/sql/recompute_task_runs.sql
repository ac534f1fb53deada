-- Computes task runs anew from their history, after transitions came twice or not in their order.
with history as (
    select transition.run_id,
           transition.version,
           transition.occurred_at,
           transition.attempt,
           transition.state_id,
           transition.state_type,
           transition.state_name,
           transition.message,
           transition.details,
           transition.result,
           lead(transition.occurred_at) over path as next_at,
           row_number() over (partition by transition.run_id order by transition.version desc) as back
      from transition
     where transition.workspace_id = $1
       and transition.run_id = any ($2::uuid[])
       and transition.occurred_at >= $3
    window path as (partition by transition.run_id order by transition.version)
),
sums as (
    select history.run_id,
           min(history.occurred_at) filter (where history.state_type = 'RUNNING') as started_at,
           coalesce(
               sum(greatest(0, extract(epoch from history.next_at - history.occurred_at)))
                   filter (where history.state_type = 'RUNNING' and history.next_at is not null),
               0
           )::double precision as run_seconds
      from history
     group by history.run_id
)
update task_run
   set state_id = last.state_id,
       state_type = last.state_type,
       state_name = last.state_name,
       state_message = last.message,
       state_at = last.occurred_at,
       state_version = last.version,
       state_details = last.details,
       state_result = last.result,
       attempt = last.attempt,
       started_at = sums.started_at,
       ended_at = case when last.state_type in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
                       then last.occurred_at
                  end,
       run_seconds = sums.run_seconds
  from history as last
  join sums on sums.run_id = last.run_id
 where last.back = 1
   and task_run.task_run_id = last.run_id
   and task_run.workspace_id = $1
   and last.version >= task_run.state_version
