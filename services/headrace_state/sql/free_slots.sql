-- Frees the slots of leases, which live on without, and returns the limits.
delete from lease_slot
 where lease_slot.workspace_id = $1
   and lease_slot.lease_id = any ($2::uuid[])
returning lease_slot.limit_name
