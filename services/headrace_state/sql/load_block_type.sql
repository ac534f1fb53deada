-- Brings a type of blocks with its newest schema.
select block_type.block_type_id,
       block_type.slug,
       block_type.name,
       block_type.description,
       block_type.logo_url,
       block_type.documentation_url,
       block_type.code_example,
       block_type.created_at,
       block_type.updated_at,
       block_schema.block_schema_id,
       block_schema.checksum,
       block_schema.fields,
       block_schema.secret_fields,
       block_schema.capabilities,
       block_schema.version,
       block_schema.client_checksum,
       block_schema.created_at as schema_created_at
  from block_type
  join block_schema on block_schema.block_schema_id = block_type.block_schema_id
 where block_type.workspace_id = $1
   and block_type.slug = $2
