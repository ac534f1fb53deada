-- Finds the assets that results of the task runs $2 come from: those they made, else those that they say to take from,
-- which are told by their keys, and those of what they took results from, and so on.
with recursive walk as (
    select source.task_run_id,
           0 as steps
      from unnest($2::uuid[]) as source (task_run_id)
     union
    select (input.value ->> 'source')::uuid,
           walk.steps + 1
      from walk
      join task_run
        on task_run.workspace_id = $1
       and task_run.task_run_id = walk.task_run_id
     cross join jsonb_array_elements(coalesce(task_run.inputs, '[]'::jsonb)) as input
     where walk.steps < 50
       and input.value ->> 'kind' = '1'
       and input.value ->> 'source' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
       and not exists (
               select 1
                 from asset_materialization
                where asset_materialization.workspace_id = $1
                  and asset_materialization.task_run_id = walk.task_run_id
           )
),
reached as (
    select walk.task_run_id
      from walk
     limit 10000
),
made as (
    select reached.task_run_id,
           asset_materialization.asset_id
      from reached
      join asset_materialization
        on asset_materialization.workspace_id = $1
       and asset_materialization.task_run_id = reached.task_run_id
)
select distinct made.asset_id,
       null::text as asset_key
  from made
 union
select null::uuid,
       input.value ->> 'source'
  from reached
  join task_run
    on task_run.workspace_id = $1
   and task_run.task_run_id = reached.task_run_id
 cross join jsonb_array_elements(coalesce(task_run.inputs, '[]'::jsonb)) as input
 where input.value ->> 'kind' = '6'
   and not exists (
           select 1
             from made
            where made.task_run_id = reached.task_run_id
       )
