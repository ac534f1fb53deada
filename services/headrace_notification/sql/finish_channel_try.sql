-- Stores what came of a try, unless another process has taken the delivery over meanwhile.
with finished as (
       update channel_delivery
          set status = $3,
              next_try_at = case when $3 = 'PENDING' then now() + make_interval(secs => $4) end,
              last_answer = $5,
              last_status_code = $6,
              ended_at = case when $3 = 'PENDING' then null else now() end,
              escalates_at = case
                when acknowledged_at is null and $9::double precision is not null
                then now() + make_interval(secs => $9)
              end
        where channel_delivery_id = $1
          and tries = $2
          and status = 'PENDING'
       returning channel_delivery_id, channel_id, workspace_id, tries
     ),
     held as (
       update channel
          set held_until = greatest(channel.held_until, now() + make_interval(secs => $8))
         from finished
        where channel.channel_id = finished.channel_id
          and $8::double precision is not null
     )
insert into channel_delivery_try (
       channel_delivery_id, number, workspace_id, took_seconds, delivered, status_code, answer
       )
select finished.channel_delivery_id, finished.tries, finished.workspace_id, $7, $3 = 'DELIVERED', $6, $5
  from finished
returning channel_delivery_id
