-- Renews the lease under which slots are held. That of a flow run is never made shorter: its attempt renews it, too.
-- A run ($4) renews what it took itself.
update lease
   set expires_at = case
           when lease.flow_run_id is null then clock_timestamp() + make_interval(secs => $3)
           else greatest(lease.expires_at, clock_timestamp() + make_interval(secs => $3))
       end,
       duration_seconds = case when lease.flow_run_id is null then $3 else lease.duration_seconds end
 where lease.workspace_id = $1
   and lease.lease_id = $2
   and ($4::uuid is null or lease.taken_by = $4 or lease.flow_run_id = $4)
returning lease.expires_at
