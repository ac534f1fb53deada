-- Counts what waits for a channel, no further than a limit.
select count(*)
  from (
       select 1
         from channel_delivery
        where channel_id = $1
          and status = 'PENDING'
        limit $2
       ) as waiting
