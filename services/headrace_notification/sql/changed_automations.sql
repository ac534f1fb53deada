-- Returns the automations that were changed after a version.
select automation_id,
       workspace_id,
       name,
       description,
       enabled,
       tags,
       trigger,
       actions,
       actions_on_trigger,
       actions_on_resolve,
       owner_resource_id,
       creator,
       created_at,
       updated_at,
       last_fired_at,
       version
  from automation
 where version > $1
