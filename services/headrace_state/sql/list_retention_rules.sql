-- Lists the rules of a workspace by which old things go, the most general first.
select retention_rule.kind,
       retention_rule.scope,
       retention_rule.subject,
       retention_rule.keep_days,
       retention_rule.updated_at
  from retention_rule
 where retention_rule.workspace_id = $1
 order by retention_rule.kind, retention_rule.scope, retention_rule.subject
