-- Tells which limits a run $2 needs, until when its holder has it, and the time.
select flow_run.limits,
       lease.expires_at as lease_expires_at,
       clock_timestamp() as now
  from flow_run
  left join lease on lease.lease_id = flow_run.lease_id
 where flow_run.workspace_id = $1
   and flow_run.flow_run_id = $2
