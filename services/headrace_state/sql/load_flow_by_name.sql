-- Brings the flow with a name.
select flow.flow_id,
       flow.name,
       flow.description,
       flow.tags,
       flow.labels,
       flow.created_at,
       flow.updated_at
  from flow
 where flow.workspace_id = $1
   and flow.name = $2
