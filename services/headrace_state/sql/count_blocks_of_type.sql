-- Counts the blocks of a type, whose row is locked so that none can be added.
with locked as (
    select block_type.block_type_id
      from block_type
     where block_type.workspace_id = $1
       and block_type.slug = $2
       for update
)
select locked.block_type_id,
       (select count(*) from block where block.block_type_id = locked.block_type_id) as blocks
  from locked
