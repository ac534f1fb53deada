-- Brings the attempts of background tasks and keeps them as they are until the transaction ends. Those that nobody has
-- come without a token, and task runs of flow runs without a number: nobody may record them by their own names.
select background_task.task_run_id,
       background_task.token,
       background_task.deliveries
  from (
           select held.task_run_id,
                  held.token,
                  held.deliveries
             from background_task as held
            where held.workspace_id = $1
              and held.task_run_id = any ($2::uuid[])
            order by held.task_run_id
              for share
       ) as background_task
 union all
select task_run.task_run_id,
       null,
       null
  from task_run
 where task_run.task_run_id = any ($2::uuid[])
   and (task_run.flow_run_id is not null or task_run.workspace_id <> $1)
