-- Stores an input of flow run $1 with key $2, in place of an older one.
insert into run_input as stored (flow_run_id, key, workspace_id, value, sender, created_at)
values ($1, $2, $3, $4, $5, clock_timestamp())
    on conflict (flow_run_id, key) do update
   set value = excluded.value,
       sender = excluded.sender,
       created_at = excluded.created_at
returning stored.flow_run_id, stored.key, stored.value, stored.sender, stored.created_at
