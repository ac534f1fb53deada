-- Adds a sink that begins at a token, or changes what users say of it; its place stays.
insert into sink
       (workspace_id, name, kind, url, header_names, headers, level_at_least, is_paused, token)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (workspace_id, name) do update
   set kind = excluded.kind,
       url = excluded.url,
       header_names = excluded.header_names,
       headers = excluded.headers,
       level_at_least = excluded.level_at_least,
       is_paused = excluded.is_paused,
       failures = 0,
       last_error = '',
       revision = sink.revision + 1,
       updated_at = now()
