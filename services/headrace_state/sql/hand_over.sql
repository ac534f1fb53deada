-- Gives waiters $2 the slots that they wait for, under leases of their own. Rate limits pour into their buckets;
-- only the others have slots that a lease holds.
with served as (
    delete from waiter
     where waiter.workspace_id = $1
       and waiter.lease_id = any ($2::uuid[])
    returning lease_id, workspace_id, names, slots, holder_kind, holder_id, lease_seconds, taken_by
),
found as (
    select served.lease_id,
           served.workspace_id,
           served.slots,
           concurrency_limit.name,
           concurrency_limit.slot_decay_per_second > 0 as is_rate
      from served
      join concurrency_limit
        on concurrency_limit.workspace_id = served.workspace_id
       and concurrency_limit.name = any (served.names)
       and concurrency_limit.is_active
),
taken as (
    insert into lease (lease_id, workspace_id, holder_kind, holder_id, limits, duration_seconds, expires_at, taken_by)
    select served.lease_id,
           served.workspace_id,
           served.holder_kind,
           served.holder_id,
           coalesce((select array_agg(found.name order by found.name)
                       from found
                      where found.lease_id = served.lease_id), '{}'),
           served.lease_seconds,
           -- A waiter picks its lease up and makes it as long as it asked for; one that has gone soon loses it.
           clock_timestamp() + make_interval(secs => least(served.lease_seconds, 15)),
           served.taken_by
      from served
),
held as (
    insert into lease_slot (workspace_id, limit_name, lease_id, slots)
    select found.workspace_id, found.name, found.lease_id, found.slots
      from found
     where not found.is_rate
),
poured as (
    select found.workspace_id, found.name, sum(found.slots) as slots
      from found
     where found.is_rate
     group by found.workspace_id, found.name
)
update concurrency_limit
   set level = greatest(
           0,
           concurrency_limit.level
           - extract(epoch from clock_timestamp() - concurrency_limit.level_at)::double precision
             * concurrency_limit.slot_decay_per_second
       ) + poured.slots,
       level_at = clock_timestamp()
  from poured
 where concurrency_limit.workspace_id = poured.workspace_id
   and concurrency_limit.name = poured.name
