-- Finds the flow run whose attempt holds a lease, and the one that took it beside its attempt.
select lease.flow_run_id,
       lease.taken_by
  from lease
 where lease.workspace_id = $1
   and lease.lease_id = $2
