-- Takes the slots of limit $2 away from lease $3 and returns who held them.
with gone as (
    delete from lease_slot
     where lease_slot.workspace_id = $1
       and lease_slot.limit_name = $2
       and lease_slot.lease_id = $3
    returning lease_id, slots
)
select lease.lease_id,
       lease.holder_kind,
       lease.holder_id,
       lease.flow_run_id,
       gone.slots,
       lease.since,
       lease.expires_at
  from gone
  join lease on lease.lease_id = gone.lease_id
