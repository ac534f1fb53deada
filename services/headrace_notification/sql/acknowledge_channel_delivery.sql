-- Acknowledges a delivery and what was sent as a part of it; the first who does is remembered.
update channel_delivery
   set acknowledged_at = coalesce(acknowledged_at, now()),
       acknowledged_by = case when acknowledged_at is null then $3 else acknowledged_by end,
       escalates_at = null
 where workspace_id = $2
   and (channel_delivery_id = $1 or digest_id = $1)
