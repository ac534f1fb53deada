-- Changes what people may change of a flow run: the columns named in $3, to the values in $4.
with given as (
    select new.name,
           new.tags,
           new.labels,
           new.notes,
           new.flow_version,
           new.infrastructure_id,
           new.retry_policy
      from json_populate_record(null::flow_run, $4::text::json) as new
)
update flow_run
   set name = case when 'name' = any ($3::text[]) then given.name else flow_run.name end,
       tags = case when 'tags' = any ($3::text[]) then given.tags else flow_run.tags end,
       labels = case when 'labels' = any ($3::text[]) then given.labels else flow_run.labels end,
       notes = case when 'notes' = any ($3::text[]) then given.notes else flow_run.notes end,
       flow_version = case when 'flow_version' = any ($3::text[])
                           then given.flow_version
                           else flow_run.flow_version
                      end,
       infrastructure_id = case when 'infrastructure_id' = any ($3::text[])
                                then given.infrastructure_id
                                else flow_run.infrastructure_id
                           end,
       retry_policy = case when 'retry_policy' = any ($3::text[])
                           then given.retry_policy
                           else flow_run.retry_policy
                      end,
       updated_at = clock_timestamp()
  from given
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
