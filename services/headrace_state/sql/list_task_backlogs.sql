-- Counts what waits and what runs for each task.
select background_task.task_key,
       count(*) filter (where background_task.token is null) as waiting,
       count(*) filter (where background_task.token is not null) as running
  from background_task
 where background_task.workspace_id = $1
 group by background_task.task_key
 order by background_task.task_key
 limit 1000
