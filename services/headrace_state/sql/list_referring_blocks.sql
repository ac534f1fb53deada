-- Lists a few of the blocks that refer to block $1.
select block_type.slug, block.name
  from block_reference
  join block on block.block_id = block_reference.block_id
  join block_type on block_type.block_type_id = block.block_type_id
 where block_reference.referenced_block_id = $1
   and block.block_id <> $1
 order by block_type.slug, block.name
 limit 10
