-- Gets in line, or keeps the place there.
insert into waiter as stored (
       lease_id, workspace_id, names, slots, holder_kind, holder_id, lease_seconds, keep_until, taken_by
)
values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + make_interval(secs => $8), $9)
    on conflict (lease_id) do update
   set keep_until = excluded.keep_until
 where stored.workspace_id = excluded.workspace_id
   and ($9::uuid is null or stored.taken_by = $9)
