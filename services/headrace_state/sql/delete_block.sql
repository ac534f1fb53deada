-- Deletes a block, and its references to others.
with gone as (
    delete from block_reference
     where block_reference.block_id = $1
)
delete from block
 where block.block_id = $1
