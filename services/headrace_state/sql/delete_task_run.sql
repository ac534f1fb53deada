-- Deletes a task run that is not RUNNING, with its history from $3 on. Returns its state before: nothing was deleted
-- where that is RUNNING.
with found as (
    select task_run.task_run_id,
           task_run.state_type
      from task_run
     where task_run.workspace_id = $1
       and task_run.task_run_id = $2
       for update
),
gone as (
    delete from task_run
     using found
     where task_run.task_run_id = found.task_run_id
       and found.state_type <> 'RUNNING'
    returning task_run.task_run_id
),
history as (
    delete from transition
     using gone
     where transition.run_id = gone.task_run_id
       and transition.occurred_at >= $3
),
queue as (
    delete from background_task
     using gone
     where background_task.task_run_id = gone.task_run_id
)
select found.state_type
  from found
