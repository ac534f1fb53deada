-- Sets a rule of retention; what it held for before may be more or less than what it holds for now.
insert into retention_rule (workspace_id, deployment_id, level_at_most, days)
values ($1, $2, $3, $4)
    on conflict (workspace_id, deployment_id, level_at_most) do update
   set days = excluded.days,
       swept_until = null,
       updated_at = now()
