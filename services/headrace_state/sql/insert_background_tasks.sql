-- Queues background tasks that were not queued before; tells which.
insert into background_task (
       workspace_id,
       task_run_id,
       task_key,
       due_at,
       waits_for,
       is_waiting,
       parameters,
       parameters_reference,
       queued_by
)
select $1,
       new.task_run_id,
       new.task_key,
       coalesce(new.due_at, now()),
       new.waits_for::uuid[],
       new.waits_for <> '{}',
       new.parameters,
       new.parameters_reference::jsonb,
       new.queued_by
  from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[], $7::text[], $8::uuid[])
       with ordinality as new (
           task_run_id, task_key, due_at, waits_for, parameters, parameters_reference, queued_by, place
       )
 where not exists (
           select 1
             from task_run
            where task_run.task_run_id = new.task_run_id
       )
 order by new.place
    on conflict (task_run_id) do nothing
returning task_run_id
