-- Keys that tokens may be signed with, newest first.
select key_id,
       public_key,
       private_key,
       created_at
  from signing_key
 where retired_at is null
 order by created_at desc
