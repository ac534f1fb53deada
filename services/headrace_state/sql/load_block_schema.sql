-- Brings a schema of type $2, to save a block with it.
select block_schema.block_schema_id, block_schema.fields, block_schema.secret_fields
  from block_schema
 where block_schema.block_schema_id = $1
   and block_schema.block_type_id = $2
