-- Tells others, in this order.
insert into outbox (workspace_id, kind, payload)
select entry.workspace_id, entry.kind, entry.payload
  from unnest($1::uuid[], $2::text[], $3::bytea[]) with ordinality as entry (workspace_id, kind, payload, place)
 order by entry.place
