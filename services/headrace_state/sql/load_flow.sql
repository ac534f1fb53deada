-- Brings one flow.
select flow.flow_id,
       flow.name,
       flow.description,
       flow.tags,
       flow.labels,
       flow.created_at,
       flow.updated_at
  from flow
 where flow.workspace_id = $1
   and flow.flow_id = $2
