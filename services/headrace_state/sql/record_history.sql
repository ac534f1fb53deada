-- Appends transitions of task runs to history; those that are there already are left alone.
insert into transition (
       workspace_id,
       run_id,
       flow_run_id,
       attempt,
       state_id,
       state_type,
       state_name,
       message,
       occurred_at,
       version,
       details,
       result
)
select $1,
       new.run_id,
       new.flow_run_id,
       new.attempt,
       new.state_id,
       new.state_type,
       new.state_name,
       new.message,
       to_timestamp(new.occurred),
       new.version,
       new.details::jsonb,
       new.result::jsonb
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
           $12::text[]
       ) as new (
           run_id, flow_run_id, attempt, state_id, state_type, state_name, message, occurred, version, details, result
       )
    on conflict do nothing
