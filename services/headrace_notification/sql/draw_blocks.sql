-- Tells followers what is being committed and returns the blocks of positions drawn by it, in the order of the entries.
insert into outbox (workspace_id, kind, payload)
select workspace_id, 'event.stored', payload
  from unnest($1::uuid[], $2::bytea[]) with ordinality as entry (workspace_id, payload, place)
 order by place
returning position
