-- Lists the workspaces that have flows or background task runs, by walking from one to the next along an index.
with recursive walk as (
    (
        select flow.workspace_id
          from flow
         order by flow.workspace_id
         limit 1
    )
    union all
    select (
               select flow.workspace_id
                 from flow
                where flow.workspace_id > walk.workspace_id
                order by flow.workspace_id
                limit 1
           )
      from walk
     where walk.workspace_id is not null
),
tasks as (
    (
        select task_run.workspace_id
          from task_run
         order by task_run.workspace_id
         limit 1
    )
    union all
    select (
               select task_run.workspace_id
                 from task_run
                where task_run.workspace_id > tasks.workspace_id
                order by task_run.workspace_id
                limit 1
           )
      from tasks
     where tasks.workspace_id is not null
)
select walk.workspace_id
  from walk
 where walk.workspace_id is not null
 union
select tasks.workspace_id
  from tasks
 where tasks.workspace_id is not null
