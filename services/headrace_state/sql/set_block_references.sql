-- Replaces what block $1 refers to.
with gone as (
    delete from block_reference
     where block_reference.block_id = $1
       and block_reference.path <> all ($2::text[])
)
insert into block_reference as stored (block_id, path, referenced_block_id)
select $1, given.path, given.referenced_block_id
  from unnest($2::text[], $3::uuid[]) as given (path, referenced_block_id)
    on conflict (block_id, path) do update
   set referenced_block_id = excluded.referenced_block_id
