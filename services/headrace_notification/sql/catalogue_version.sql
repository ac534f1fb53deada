-- Returns the version of the last change of automations, and how many there are that do something.
select version,
       (select count(*) from automation where enabled) as enabled
  from catalogue
 where is_only
