-- Brings a block and all blocks that it refers to, itself first.
with recursive reached (block_id, depth) as (
    select block.block_id, 0
      from block
      join block_type on block_type.block_type_id = block.block_type_id
     where block.workspace_id = $1
       and block_type.slug = $2
       and block.name = $3
     union
    select block_reference.referenced_block_id, 1
      from reached
      join block_reference on block_reference.block_id = reached.block_id
),
wanted as (
    select reached.block_id, min(reached.depth) as depth
      from reached
     group by reached.block_id
)
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
  join wanted on wanted.block_id = block.block_id
 order by wanted.depth, block_type.slug, block.name
