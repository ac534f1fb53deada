-- Deletes a type of blocks with its schemas.
with gone as (
    delete from block_schema
     where block_schema.block_type_id = $1
)
delete from block_type
 where block_type.block_type_id = $1
