-- Creates a limit, or changes the one with its name.
insert into concurrency_limit as stored (workspace_id, name, slots, is_active, slot_decay_per_second)
values ($1, $2, $3, coalesce($4, true), $5)
    on conflict (workspace_id, name) do update
   set slots = excluded.slots,
       is_active = coalesce($4, stored.is_active),
       slot_decay_per_second = excluded.slot_decay_per_second,
       updated_at = now()
