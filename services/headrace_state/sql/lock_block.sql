-- Locks a block.
select block.block_id,
       block.name,
       block.data,
       block.secrets,
       block.secret_paths,
       block.key_name,
       block.created_at,
       block.updated_at,
       block_type.slug,
       block_schema.checksum,
       block_schema.fields,
       block_schema.secret_fields,
       block_schema.capabilities,
       block_schema.version,
       block_schema.block_schema_id,
       block_schema.client_checksum,
       block_schema.created_at as schema_created_at
  from block
  join block_type on block_type.block_type_id = block.block_type_id
  join block_schema on block_schema.block_schema_id = block.block_schema_id
 where block.workspace_id = $1
   and block_type.slug = $2
   and block.name = $3
   for update of block
