-- Renews the leases of attempts, in one order for all who do so, and tells where their runs stand.
with wanted as (
    select given.flow_run_id, given.token, given.place
      from unnest($2::uuid[], $3::uuid[]) with ordinality as given (flow_run_id, token, place)
),
locked as (
    select lease.lease_id
      from lease
     where lease.workspace_id = $1
       and lease.token = any ($3::uuid[])
     order by lease.lease_id
       for update
),
renewed as (
    update lease
       set expires_at = clock_timestamp() + make_interval(secs => coalesce($4, lease.duration_seconds)),
           duration_seconds = coalesce($4, lease.duration_seconds)
      from locked
     where lease.lease_id = locked.lease_id
    returning lease.flow_run_id, lease.token, lease.expires_at
)
select wanted.flow_run_id,
       wanted.token,
       renewed.expires_at,
       flow_run.attempt_token,
       flow_run.state_id,
       flow_run.state_type,
       flow_run.state_name,
       flow_run.state_message,
       flow_run.state_at,
       flow_run.state_version,
       flow_run.state_details,
       flow_run.state_result
  from wanted
  left join renewed
    on renewed.flow_run_id = wanted.flow_run_id
   and renewed.token = wanted.token
  left join flow_run
    on flow_run.workspace_id = $1
   and flow_run.flow_run_id = wanted.flow_run_id
 order by wanted.place
