-- Returns the ids of the automations that do something.
select automation_id
  from automation
 where enabled
