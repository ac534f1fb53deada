-- Returns the events that need not wait any more: what they follow has come, or they have waited long enough.
  with released as (
        delete from held_event
         where follows_event_id = any ($1::uuid[])
            or held_until <= now()
        returning event_id, occurred_at
       )
select event.position,
       event.event_id,
       event.workspace_id,
       event.name,
       event.occurred_at,
       event.received_at,
       event.resource_id,
       event.resource,
       event.related,
       event.payload,
       event.follows_event_id
  from released
  join event
    on event.event_id = released.event_id
   and event.occurred_at = released.occurred_at
 order by event.position
