-- Tells the evaluation, in line with the events, up to when a source is followed; only if a timer might ask.
insert into outbox (workspace_id, kind, payload)
select '00000000-0000-0000-0000-000000000000', 'source.followed', $1::bytea
 where exists (select from bucket where due_at is not null)
