-- Returns the version of the last change of automations.
select version
  from catalogue
 where is_only
