-- Lets background tasks be handed out for which everything that they wait for is over.
with ready as (
    select background_task.task_run_id
      from background_task
     where background_task.is_waiting
       and not exists (
               select 1
                 from unnest(background_task.waits_for) as awaited (task_run_id)
                 left join task_run
                   on task_run.task_run_id = awaited.task_run_id
                  and task_run.workspace_id = background_task.workspace_id
                where task_run.task_run_id is null
                   or task_run.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
           )
     order by background_task.created_at
     limit $1
       for update skip locked
)
update background_task
   set is_waiting = false
  from ready
 where background_task.task_run_id = ready.task_run_id
returning background_task.task_run_id
