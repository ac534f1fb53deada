-- Returns the events of blocks of positions, in the order in which they were committed.
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
  from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
    as block (workspace_id, first_position, last_position, oldest_at, newest_at)
  join event
    on event.workspace_id = block.workspace_id
   and event.occurred_at between block.oldest_at and block.newest_at
   and event.position between block.first_position and block.last_position
 order by event.position
