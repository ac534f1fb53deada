-- Keeps up to which moment was deleted by a rule, unless the rule was changed meanwhile.
update retention_rule
   set swept_until = $5
 where workspace_id = $1
   and deployment_id = $2
   and level_at_most = $3
   and days = $4
   and swept_until is not distinct from $6
