-- Counts the blocks whose secrets are sealed with another key than $1, and those among them that keys $2 cannot open.
select count(*) as blocks,
       count(*) filter (where block.key_name <> all ($2::text[])) as unreadable
  from block
 where block.secrets <> ''
   and block.key_name <> $1
