-- Lists the subflows below a flow run that are not final, nearest first.
with recursive below as (
    select flow_run.flow_run_id, flow_run.state_type, 1 as depth
      from flow_run
     where flow_run.workspace_id = $1
       and flow_run.parent_flow_run_id = $2
     union all
    select child.flow_run_id, child.state_type, below.depth + 1
      from below
      join flow_run as child on child.parent_flow_run_id = below.flow_run_id
     where below.depth < 100
)
select below.flow_run_id
  from below
 where below.state_type not in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
 order by below.depth, below.flow_run_id
