-- Returns an automation, locked so that its next change waits for this one.
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
 where automation_id = $1
   and workspace_id = $2
   for update
