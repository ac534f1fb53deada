-- Finds blocks by type and name, and keeps them from being deleted.
select block.block_id, block_type.slug, block.name
  from block
  join block_type on block_type.block_type_id = block.block_type_id
  join unnest($2::text[], $3::text[]) as wanted (slug, name)
    on wanted.slug = block_type.slug
   and wanted.name = block.name
 where block.workspace_id = $1
 order by block.block_id
   for key share of block
