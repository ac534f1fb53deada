-- Stores a new automation; nothing is returned if there is one with its id.
insert into automation (
       automation_id, workspace_id, name, description, enabled, tags, trigger, actions, actions_on_trigger,
       actions_on_resolve, owner_resource_id, creator, version
       )
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (automation_id) do nothing
returning created_at, updated_at
