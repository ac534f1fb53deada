-- Tells whether there is a lease of this id, whoever has it.
select true
  from lease
 where lease.lease_id = $1
