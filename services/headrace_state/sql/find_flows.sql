-- Finds flows by id and tells the time.
select flow.flow_id, flow.name, clock_timestamp() as now
  from flow
 where flow.workspace_id = $1
   and flow.flow_id = any ($2::uuid[])
