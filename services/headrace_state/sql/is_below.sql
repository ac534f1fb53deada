-- Tells whether a flow run is below another one: as its subflow, or made by it.
with recursive above as (
    select flow_run.flow_run_id,
           flow_run.parent_flow_run_id,
           flow_run.creator_kind,
           flow_run.creator_id,
           1 as depth
      from flow_run
     where flow_run.workspace_id = $1
       and flow_run.flow_run_id = $2
     union all
    select maker.flow_run_id,
           maker.parent_flow_run_id,
           maker.creator_kind,
           maker.creator_id,
           above.depth + 1
      from above
      join flow_run as maker
        on maker.workspace_id = $1
       and maker.flow_run_id = case
               when above.parent_flow_run_id is not null
               then above.parent_flow_run_id
               when above.creator_kind = 'FLOW_RUN'
                and above.creator_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
               then above.creator_id::uuid
           end
     where above.depth < 100
       and above.flow_run_id <> $3
)
select exists (
    select 1
      from above
     where above.flow_run_id = $3
)
