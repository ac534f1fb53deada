-- Changes what people may change of a task run: the columns named in $3, to the values in $4. Returns its id.
with given as (
    select new.name,
           new.tags,
           new.labels
      from json_populate_record(null::task_run, $4::text::json) as new
)
update task_run
   set name = case when 'name' = any ($3::text[]) then given.name else task_run.name end,
       tags = case when 'tags' = any ($3::text[]) then given.tags else task_run.tags end,
       labels = case when 'labels' = any ($3::text[]) then given.labels else task_run.labels end,
       updated_at = clock_timestamp()
  from given
 where task_run.workspace_id = $1
   and task_run.task_run_id = $2
returning task_run.task_run_id
