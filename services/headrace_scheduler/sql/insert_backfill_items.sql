-- Stores the runs of a backfill $1: their numbers $2, times $3 and parameters $4.
insert into backfill_item (backfill_id, number, slot_at, parameters)
select $1::uuid, item.number, item.slot_at, item.parameters
  from unnest($2::integer[], $3::timestamptz[], $4::jsonb[]) as item (number, slot_at, parameters)
