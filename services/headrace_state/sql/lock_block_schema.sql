-- Locks the type of a schema, and tells whether it is the newest one and how many blocks were saved with it.
with locked as (
    select block_type.block_type_id, block_type.block_schema_id
      from block_type
     where block_type.block_type_id = (
               select block_schema.block_type_id
                 from block_schema
                where block_schema.workspace_id = $1
                  and block_schema.block_schema_id = $2
           )
       for update
)
select locked.block_schema_id = $2 as is_newest,
       (select count(*) from block where block.block_schema_id = $2) as blocks
  from locked
