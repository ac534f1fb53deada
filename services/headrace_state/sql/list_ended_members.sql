-- Lists the runs of the trees below $2, with their tops, unless one of a tree is not final.
with members as (
    select flow_run.flow_run_id,
           flow_run.flow_run_id as top_id,
           flow_run.state_type
      from flow_run
     where flow_run.workspace_id = $1
       and flow_run.flow_run_id = any ($2::uuid[])
    union all
    select flow_run.flow_run_id,
           flow_run.root_flow_run_id,
           flow_run.state_type
      from flow_run
     where flow_run.workspace_id = $1
       and flow_run.parent_flow_run_id is not null
       and flow_run.root_flow_run_id = any ($2::uuid[])
)
select members.flow_run_id
  from members
 where not exists (
           select 1
             from members as other
            where other.top_id = members.top_id
              and other.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
       )
