-- Locks blocks whose secrets are sealed with another key than $1, behind block $2, at most $3.
select block.block_id, block.secrets
  from block
 where block.secrets <> ''
   and block.key_name <> $1
   and block.block_id > $2
 order by block.block_id
 limit $3
   for update skip locked
