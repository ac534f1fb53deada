-- Lists schemas of types of blocks, the newest first.
select block_schema.block_schema_id,
       block_schema.checksum,
       block_schema.fields,
       block_schema.secret_fields,
       block_schema.capabilities,
       block_schema.version,
       block_schema.client_checksum,
       block_schema.created_at as schema_created_at,
       block_type.slug
  from block_schema
  join block_type on block_type.block_type_id = block_schema.block_type_id
 where block_schema.workspace_id = $1
   and (cardinality($2::uuid[]) = 0 or block_schema.block_schema_id = any ($2::uuid[]))
   and (cardinality($3::text[]) = 0 or block_type.slug = any ($3::text[]))
   and ($4 = '' or block_schema.client_checksum = $4)
   and block_schema.capabilities @> $5::text[]
   and ($6 = '' or block_schema.version = $6)
   and (not $7 or block_schema.client_checksum <> '')
   and ($8::uuid is null or block_schema.block_schema_id < $8)
 order by block_schema.block_schema_id desc
 limit $9
