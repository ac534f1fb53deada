-- Stores the new values of an automation.
update automation
   set name = $3,
       description = $4,
       enabled = $5,
       tags = $6,
       trigger = $7,
       actions = $8,
       actions_on_trigger = $9,
       actions_on_resolve = $10,
       owner_resource_id = $11,
       version = $12,
       updated_at = now()
 where automation_id = $1
   and workspace_id = $2
returning updated_at
