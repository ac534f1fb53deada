-- Deletes the automations that a resource owns, with what they remember.
  with deleted as (
        delete from automation
         where workspace_id = $1
           and owner_resource_id = $2
        returning automation_id
       ),
       forgotten as (
        delete from bucket
         where automation_id in (select automation_id from deleted)
       )
select automation_id
  from deleted
