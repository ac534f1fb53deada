-- Reads the text of a run's records behind a place in the order of time, as far as they are settled, as one.
with page as materialized (
    select occurred_at, position, message
      from record
     where flow_run_id = $1
       and workspace_id is not distinct from $2
       and occurred_at >= $3
       and (occurred_at, position) > ($3, $4)
       and position <= $5
     order by occurred_at, position
     limit $6
)
select count(*) as records,
       convert_to(string_agg(message, ' '), 'UTF8') as text,
       max(occurred_at) as last_at,
       (select position from page order by occurred_at desc, position desc limit 1) as last_position
  from page
