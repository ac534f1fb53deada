-- Stores what automations remember for keys.
insert into bucket (
       automation_id, key, workspace_id, starts_at, ends_at, count, fired_at, last_event, due_at, sources
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
       sources::text[]
  from unnest(
       $1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::timestamptz[],
       $8::jsonb[], $9::timestamptz[], $10::text[]
       ) as new (
       automation_id, key, workspace_id, starts_at, ends_at, count, fired_at, last_event, due_at, sources
       )
    on conflict (automation_id, key) do update
   set starts_at = excluded.starts_at,
       ends_at = excluded.ends_at,
       count = excluded.count,
       fired_at = excluded.fired_at,
       last_event = excluded.last_event,
       due_at = excluded.due_at,
       sources = excluded.sources,
       updated_at = now()
