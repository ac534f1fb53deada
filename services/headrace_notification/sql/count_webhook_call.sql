-- Counts a call of a webhook, spread out over time: as many as a minute's share of a tenth may come at once.
-- Returns 0, or in how many seconds there is room for another one; then nothing is counted.
  with facts as (
        select webhook_id,
               greatest(free_at, clock_timestamp()) as begins_at,
               60.0 / $2::integer as interval_seconds,
               greatest(1, $2::integer / 10) * 60.0 / $2::integer as ahead_seconds
          from webhook
         where webhook_id = $1
           for update
       ),
       verdict as (
        select webhook_id,
               begins_at,
               interval_seconds,
               extract(epoch from begins_at - clock_timestamp()) + interval_seconds - ahead_seconds as wait_seconds
          from facts
       ),
       counted as (
        update webhook
           set free_at = begins_at + make_interval(secs => interval_seconds),
               last_received_at = now(),
               received_count = received_count + 1
          from verdict
         where webhook.webhook_id = verdict.webhook_id
           and wait_seconds <= 0.001
       )
select case when wait_seconds > 0.001 then wait_seconds::float8 else 0.0 end
  from verdict
