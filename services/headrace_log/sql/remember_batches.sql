-- Remembers batches by their digests and returns those that were not known.
insert into appended_batch (workspace_id, digest)
select workspace_id, digest
  from unnest($1::uuid[], $2::bytea[]) as batch (workspace_id, digest)
 order by workspace_id, digest
    on conflict (workspace_id, digest) do nothing
returning workspace_id, digest
