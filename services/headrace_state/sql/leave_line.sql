-- Leaves the line.
delete from waiter
 where waiter.workspace_id = $1
   and waiter.lease_id = $2
returning waiter.names
