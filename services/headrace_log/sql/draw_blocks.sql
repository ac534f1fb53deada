-- Tells followers what is being committed, one entry a workspace, and returns the blocks of positions drawn by it.
insert into outbox (workspace_id, kind, payload)
select workspace_id, 'log.appended', payload
  from unnest($1::uuid[], $2::bytea[]) with ordinality as entry (workspace_id, payload, place)
 order by place
returning workspace_id, position
