-- Deletes a rule.
delete from retention_rule
 where retention_rule.workspace_id = $1
   and retention_rule.kind = $2
   and retention_rule.scope = $3
   and retention_rule.subject = $4
returning retention_rule.kind
