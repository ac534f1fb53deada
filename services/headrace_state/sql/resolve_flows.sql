-- Finds flows by name, makes the missing ones, and tells the time.
with made as (
    insert into flow (flow_id, workspace_id, name)
    select wanted.flow_id, $1, wanted.name
      from unnest($2::uuid[], $3::text[]) as wanted (flow_id, name)
     where not exists (
               select 1
                 from flow
                where flow.workspace_id = $1
                  and flow.name = wanted.name
           )
        on conflict do nothing
    returning flow_id, name
)
select made.flow_id, made.name, clock_timestamp() as now
  from made
 union all
select flow.flow_id, flow.name, clock_timestamp() as now
  from flow
 where flow.workspace_id = $1
   and flow.name = any ($3::text[])
