-- Moves task runs to newer states. `first_at` is when the first of the transitions occurred.
insert into task_run as stored (
       workspace_id,
       task_run_id,
       flow_run_id,
       attempt,
       state_id,
       state_type,
       state_name,
       state_message,
       state_at,
       state_version,
       state_details,
       state_result,
       run_count,
       created_at,
       updated_at,
       started_at,
       ended_at,
       run_seconds
)
select $1,
       new.task_run_id,
       new.flow_run_id,
       new.attempt,
       new.state_id,
       new.state_type,
       new.state_name,
       new.state_message,
       to_timestamp(new.state_at),
       new.state_version,
       new.state_details::jsonb,
       new.state_result::jsonb,
       new.run_count,
       to_timestamp(new.first_at),
       now(),
       to_timestamp(new.started_at),
       to_timestamp(new.ended_at),
       new.run_seconds
  from unnest(
           $2::uuid[],
           $3::uuid[],
           $4::integer[],
           $5::uuid[],
           $6::text[],
           $7::text[],
           $8::text[],
           $9::double precision[],
           $10::bigint[],
           $11::text[],
           $12::text[],
           $13::integer[],
           $14::double precision[],
           $15::double precision[],
           $16::double precision[],
           $17::double precision[]
       ) as new (
           task_run_id, flow_run_id, attempt, state_id, state_type, state_name, state_message, state_at,
           state_version, state_details, state_result, run_count, first_at, started_at, ended_at,
           run_seconds
       )
    on conflict (task_run_id) do update
   set state_id = excluded.state_id,
       state_type = excluded.state_type,
       state_name = excluded.state_name,
       state_message = excluded.state_message,
       state_at = excluded.state_at,
       state_version = excluded.state_version,
       state_details = excluded.state_details,
       state_result = excluded.state_result,
       run_count = greatest(stored.run_count, excluded.run_count),
       attempt = excluded.attempt,
       updated_at = excluded.updated_at,
       started_at = coalesce(stored.started_at, excluded.started_at),
       ended_at = excluded.ended_at,
       run_seconds = stored.run_seconds
           + excluded.run_seconds
           + case when stored.state_type = 'RUNNING'
                  then greatest(0, extract(epoch from excluded.created_at - stored.state_at))::double precision
                  else 0
             end
 where stored.state_version < excluded.state_version
   and stored.workspace_id = excluded.workspace_id
   and stored.flow_run_id is not distinct from excluded.flow_run_id
