-- Deletes up to $2 task runs of old flow runs.
delete from task_run
 where task_run.task_run_id in (
           select old.task_run_id
             from task_run as old
            where old.flow_run_id = any ($1::uuid[])
            limit $2
              for update skip locked
       )
returning task_run.task_run_id
