-- Changes what is given of a flow.
update flow
   set description = coalesce($3, flow.description),
       tags = coalesce($4, flow.tags),
       labels = coalesce($5, flow.labels),
       updated_at = clock_timestamp()
 where flow.workspace_id = $1
   and flow.flow_id = $2
returning flow.flow_id,
       flow.name,
       flow.description,
       flow.tags,
       flow.labels,
       flow.created_at,
       flow.updated_at
