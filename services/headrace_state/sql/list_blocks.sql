-- Lists blocks by type and name.
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
   and (cardinality($2::text[]) = 0 or block_type.slug = any ($2::text[]))
   and ($3 = '' or block.name ilike $3)
   and block_schema.capabilities @> $4::text[]
   and ($5::text is null or (block_type.slug, block.name) > ($5, $6::text))
   and (cardinality($7::uuid[]) = 0 or block.block_id = any ($7::uuid[]))
 order by block_type.slug, block.name
 limit $8
