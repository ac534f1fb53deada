-- Adds what workspaces have written to what is known of a day.
insert into usage (workspace_id, day, records, bytes)
select workspace_id, $1, records, bytes
  from unnest($2::uuid[], $3::bigint[], $4::bigint[]) as written (workspace_id, records, bytes)
 order by workspace_id
    on conflict (workspace_id, day) do update
   set records = usage.records + excluded.records,
       bytes = usage.bytes + excluded.bytes
