-- Stores what automations remember for keys.
insert into bucket (
       automation_id, key, workspace_id, starts_at, ends_at, count, fired_at, last_event, due_at, sources, came_true
       )
select automation_id,
       key::text[],
       workspace_id,
       starts_at,
       ends_at,
       count,
       fired_at,
       last_event,
       due_at,
       sources::text[],
       came_true
  from unnest(
       $1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::timestamptz[],
       $8::jsonb[], $9::timestamptz[], $10::text[], $11::jsonb[]
       ) as new (
       automation_id, key, workspace_id, starts_at, ends_at, count, fired_at, last_event, due_at, sources, came_true
       )
    on conflict (automation_id, key) do update
   set starts_at = excluded.starts_at,
       ends_at = excluded.ends_at,
       count = excluded.count,
       fired_at = excluded.fired_at,
       last_event = excluded.last_event,
       due_at = excluded.due_at,
       sources = excluded.sources,
       came_true = excluded.came_true,
       updated_at = now()
