-- Keeps a schema of type $2, and makes it the newest one.
with kept as (
    insert into block_schema as stored (
           block_schema_id, workspace_id, block_type_id, checksum, fields, secret_fields, capabilities, version,
           client_checksum
    )
    values ($1, $3, $2, $4, $5, $6, $7, $8, $9)
        on conflict (block_type_id, checksum) do update
       set version = excluded.version,
           client_checksum = excluded.client_checksum
    returning stored.block_schema_id
)
update block_type
   set block_schema_id = kept.block_schema_id
  from kept
 where block_type.block_type_id = $2
