-- Leaves the line; where a run asks, by itself ($3).
delete from waiter
 where waiter.workspace_id = $1
   and waiter.lease_id = $2
   and ($3::uuid is null or waiter.taken_by = $3)
returning waiter.names
