-- Notes by when attempts $2 of runs $3 have to be running: $4 seconds from now.
insert into start_deadline (attempt_token, workspace_id, flow_run_id, timeout_seconds, start_by)
select attempt.token, $1, attempt.flow_run_id, $4::double precision, clock_timestamp() + make_interval(secs => $4)
  from unnest($2::uuid[], $3::uuid[]) as attempt (token, flow_run_id)
    on conflict (attempt_token) do nothing
