-- Stores events and returns the ids of those that were not stored yet.
insert into event (
       position, event_id, workspace_id, name, occurred_at, resource_id, resource, related, related_ids, payload,
       follows_event_id
       )
select position,
       event_id,
       workspace_id,
       name,
       occurred_at,
       resource_id,
       resource,
       related::jsonb,
       array (select related_one.value ->> 'id' from jsonb_array_elements(related::jsonb) as related_one),
       payload,
       follows_event_id
  from unnest(
       $1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::jsonb[], $8::text[],
       $9::jsonb[], $10::uuid[]
       ) as new (
       position, event_id, workspace_id, name, occurred_at, resource_id, resource, related, payload, follows_event_id
       )
    on conflict (event_id, occurred_at) do nothing
returning event_id
