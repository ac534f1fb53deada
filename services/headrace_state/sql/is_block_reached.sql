-- Tells whether block $1 is among blocks $2 or what they refer to.
with recursive reached (block_id) as (
    select given.block_id
      from unnest($2::uuid[]) as given (block_id)
     union
    select block_reference.referenced_block_id
      from reached
      join block_reference on block_reference.block_id = reached.block_id
)
select exists (select 1 from reached where reached.block_id = $1)
