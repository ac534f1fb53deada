-- Ends leases and returns the limits whose slots become free.
with gone as (
    delete from lease
     where lease.workspace_id = $1
       and lease.lease_id = any ($2::uuid[])
    returning lease_id
),
freed as (
    delete from lease_slot
     using gone
     where lease_slot.lease_id = gone.lease_id
    returning lease_slot.limit_name
)
select distinct freed.limit_name
  from freed
