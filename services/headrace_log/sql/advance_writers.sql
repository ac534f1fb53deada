-- Stores how far the locked writing processes have come.
update writer
   set last_sequence = progress.last_sequence,
       -- An array of arrays cannot be ragged, so the numbers come as text.
       missing = progress.missing::bigint[]
  from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[])
    as progress (workspace_id, process_id, last_sequence, missing)
 where writer.workspace_id = progress.workspace_id
   and writer.process_id = progress.process_id
