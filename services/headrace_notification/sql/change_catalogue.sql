-- Gives a change of automations its version; changes wait for each other here, so versions are committed in order.
update catalogue
   set version = version + 1
 where is_only
returning version
