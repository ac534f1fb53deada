-- Sets a variable; without $6 one that exists is left alone, and nothing is returned.
insert into variable as stored (variable_id, workspace_id, name, value, tags)
values ($1, $2, $3, $4, $5)
    on conflict (workspace_id, name) do update
   set value = excluded.value,
       tags = excluded.tags,
       updated_at = clock_timestamp()
 where $6
returning stored.variable_id, stored.name, stored.value, stored.tags, stored.created_at, stored.updated_at
