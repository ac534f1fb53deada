-- Returns when the last message of a group was or is to be sent.
select scheduled_at
  from channel_delivery
 where channel_id = $1
   and group_key = $2
   and group_key <> ''
 order by scheduled_at desc
 limit 1
