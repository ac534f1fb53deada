-- Deletes limits with the slots that are taken of them; leases live on without.
with gone as (
    delete from concurrency_limit
     where concurrency_limit.workspace_id = $1
       and concurrency_limit.name = any ($2::text[])
    returning workspace_id, name
),
slots as (
    delete from lease_slot
     using gone
     where lease_slot.workspace_id = gone.workspace_id
       and lease_slot.limit_name = gone.name
)
select gone.name
  from gone
