-- Lets all rules of a workspace be looked at from the beginning: each holds for what no other takes from it.
update retention_rule
   set swept_until = null
 where workspace_id = $1
