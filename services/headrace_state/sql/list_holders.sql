-- Lists who holds slots of a limit, the first to take them first.
select lease.lease_id,
       lease.holder_kind,
       lease.holder_id,
       lease_slot.slots,
       lease.since,
       lease.expires_at
  from lease_slot
  join lease on lease.lease_id = lease_slot.lease_id
 where lease_slot.workspace_id = $1
   and lease_slot.limit_name = $2
 order by lease.since, lease.lease_id
 limit $3
