-- Finds the flow run whose attempt holds a lease.
select lease.flow_run_id
  from lease
 where lease.workspace_id = $1
   and lease.lease_id = $2
