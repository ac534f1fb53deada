-- Returns how many automations do something.
select count(*)
  from automation
 where enabled
