-- Stores a block, which is locked if it exists.
insert into block as stored (
       block_id, workspace_id, block_type_id, block_schema_id, name, data, secrets, secret_paths, key_name
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (block_id) do update
   set block_schema_id = excluded.block_schema_id,
       data = excluded.data,
       secrets = excluded.secrets,
       secret_paths = excluded.secret_paths,
       key_name = excluded.key_name,
       updated_at = clock_timestamp()
