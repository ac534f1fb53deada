-- Sets a rule in place of the one for the same kind and subject.
insert into retention_rule as stored (workspace_id, kind, scope, subject, keep_days)
values ($1, $2, $3, $4, $5)
    on conflict (workspace_id, kind, scope, subject) do update
   set keep_days = excluded.keep_days,
       updated_at = now()
returning stored.kind,
          stored.scope,
          stored.subject,
          stored.keep_days,
          stored.updated_at
