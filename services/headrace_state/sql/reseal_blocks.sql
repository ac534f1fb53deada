-- Stores secrets $2 of blocks $1, sealed with key $3.
update block
   set secrets = given.secrets,
       key_name = $3
  from unnest($1::uuid[], $2::text[]) as given (block_id, secrets)
 where block.block_id = given.block_id
