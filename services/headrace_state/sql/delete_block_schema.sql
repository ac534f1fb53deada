-- Deletes a schema of a type of blocks.
delete from block_schema
 where block_schema.block_schema_id = $1
