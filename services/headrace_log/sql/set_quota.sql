-- Sets the limits of a workspace.
insert into quota (workspace_id, lines_per_second, bytes_per_day)
values ($1, $2, $3)
    on conflict (workspace_id) do update
   set lines_per_second = excluded.lines_per_second,
       bytes_per_day = excluded.bytes_per_day,
       updated_at = now()
