-- Keeps a type of blocks from being deleted while a block is added.
select block_type.block_type_id
  from block_type
 where block_type.workspace_id = $1
   and block_type.slug = $2
   for key share
