-- Deletes up to $3 background task runs that ended $2 days ago.
delete from task_run
 where task_run.task_run_id in (
           select old.task_run_id
             from task_run as old
            where old.workspace_id = $1
              and old.flow_run_id is null
              and old.state_type in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
              and old.ended_at < now() - make_interval(secs => $2 * 86400)
            limit $3
              for update skip locked
       )
returning task_run.task_run_id
