-- Has events wait for those that they follow.
insert into held_event (event_id, workspace_id, follows_event_id, occurred_at, held_until)
select event_id, workspace_id, follows_event_id, occurred_at, now() + make_interval(secs => $5)
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
    as held (event_id, workspace_id, follows_event_id, occurred_at)
    on conflict (event_id) do nothing
