-- Returns when the last message of a group was or is to be sent, of those that a new one could be sent with: what
-- quiet hours keep back keeps nothing back that they let pass.
select scheduled_at
  from channel_delivery
 where channel_id = $1
   and group_key = $2
   and group_key <> ''
   and scheduled_at <= now() + make_interval(secs => $3)
 order by scheduled_at desc
 limit 1
