-- Renews the lease of a client and returns it, or whether the id is somebody else's: where a run asks ($4), of anybody
-- but itself.
with renewed as (
    update lease
       set expires_at = clock_timestamp() + make_interval(secs => $3),
           duration_seconds = $3
     where lease.workspace_id = $1
       and lease.lease_id = $2
       and lease.flow_run_id is null
       and ($4::uuid is null or lease.taken_by = $4)
    returning expires_at, limits
)
select renewed.expires_at,
       renewed.limits,
       renewed.expires_at is null and exists (select 1 from lease where lease.lease_id = $2) as is_taken
  from (values (1)) as one (row)
  left join renewed on true
