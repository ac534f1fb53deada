-- Takes $4 slots of limits $3, whose rows are locked and have them, under lease $1, and returns until when it holds.
-- Rate limits pour into their buckets; only the others have slots that a lease holds.
with found as (
    select concurrency_limit.name,
           concurrency_limit.slot_decay_per_second > 0 as is_rate
      from concurrency_limit
     where concurrency_limit.workspace_id = $2
       and concurrency_limit.name = any ($3::text[])
),
held as (
    insert into lease_slot (workspace_id, limit_name, lease_id, slots)
    select $2, found.name, $1, $4::integer
      from found
     where not found.is_rate
),
poured as (
    update concurrency_limit
       set level = greatest(
               0,
               concurrency_limit.level
               - extract(epoch from clock_timestamp() - concurrency_limit.level_at)::double precision
                 * concurrency_limit.slot_decay_per_second
           ) + $4::integer,
           level_at = clock_timestamp()
      from found
     where concurrency_limit.workspace_id = $2
       and concurrency_limit.name = found.name
       and found.is_rate
)
insert into lease (lease_id, workspace_id, holder_kind, holder_id, limits, duration_seconds, expires_at, taken_by)
values ($1, $2, $5, $6, $3, $7, clock_timestamp() + make_interval(secs => $7), $8)
returning expires_at
