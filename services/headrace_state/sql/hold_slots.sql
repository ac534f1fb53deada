-- Lets leases $2 hold a slot of the limits $3 beside them, which are locked and have one free for each.
insert into lease_slot (workspace_id, limit_name, lease_id, slots)
select $1, entry.limit_name, entry.lease_id, 1
  from unnest($2::uuid[], $3::text[]) as entry (lease_id, limit_name)
