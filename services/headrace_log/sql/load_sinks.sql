-- Lists sinks by name: of one workspace, or (null) of all.
select workspace_id, name, kind, url, header_names, headers, level_at_least, is_paused, token, sent_records, sent_at,
       failures, last_error, revision
  from sink
 where ($1::uuid is null or workspace_id = $1)
   and name > $2
 order by name, workspace_id
 limit $3
