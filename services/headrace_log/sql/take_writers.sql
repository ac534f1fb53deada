-- Locks the writing processes of a group of batches and tells how far each has come; new ones are added.
insert into writer (workspace_id, process_id, last_sequence, missing)
select workspace_id, process_id, 0, '{}'::bigint[]
  from unnest($1::uuid[], $2::text[]) as process (workspace_id, process_id)
 order by workspace_id, process_id
    on conflict (workspace_id, process_id) do update
   set seen_at = now()
returning workspace_id, process_id, last_sequence, missing
