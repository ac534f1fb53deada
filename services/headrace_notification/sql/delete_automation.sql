-- Deletes an automation.
delete from automation
 where automation_id = $1
   and workspace_id = $2
returning automation_id
