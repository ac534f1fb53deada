-- Returns those of the given events that are stored.
select event_id
  from event
 where event_id = any ($1::uuid[])
