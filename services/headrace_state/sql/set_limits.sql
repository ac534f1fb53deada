-- Creates limits, or changes their slots.
insert into concurrency_limit as stored (workspace_id, name, slots)
select $1, given.name, given.slots
  from unnest($2::text[], $3::integer[]) as given (name, slots)
 order by given.name
    on conflict (workspace_id, name) do update
   set slots = excluded.slots,
       is_active = true,
       updated_at = now()
