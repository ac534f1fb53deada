-- Creates a flow; nothing if its name or id is taken.
insert into flow (workspace_id, flow_id, name, description, tags, labels)
values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing
returning flow.flow_id,
       flow.name,
       flow.description,
       flow.tags,
       flow.labels,
       flow.created_at,
       flow.updated_at
