-- Renews the lease of a client and returns it, or whether the id is somebody else's.
with renewed as (
    update lease
       set expires_at = clock_timestamp() + make_interval(secs => $3),
           duration_seconds = $3
     where lease.workspace_id = $1
       and lease.lease_id = $2
       and lease.flow_run_id is null
    returning expires_at, limits
)
select renewed.expires_at,
       renewed.limits,
       renewed.expires_at is null and exists (select 1 from lease where lease.lease_id = $2) as is_taken
  from (values (1)) as one (row)
  left join renewed on true
