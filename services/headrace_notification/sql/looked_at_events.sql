-- Returns those of some events that were looked at: stored up to a position, and not waiting for another.
select event.event_id
  from event
 where event.event_id = any ($1::uuid[])
   and event.occurred_at >= $2
   and event.position <= $3
   and not exists (
       select
         from held_event
        where held_event.event_id = event.event_id
       )
