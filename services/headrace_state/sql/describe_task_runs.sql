-- Describes task runs whose descriptions came after later transitions.
update task_run
   set task_key = new.task_key,
       dynamic_key = new.dynamic_key,
       name = new.name,
       tags = new.tags::text[],
       labels = coalesce(new.labels::jsonb, '{}'),
       task_version = new.task_version,
       inputs = new.inputs::jsonb,
       retry_policy = new.retry_policy::jsonb,
       cache_key = new.cache_key,
       cache_expires_at = to_timestamp(new.cache_expires_at),
       flow_run_run_count = new.flow_run_run_count,
       child_flow_run_id = new.child_flow_run_id,
       expected_start_at = to_timestamp(new.expected_start_at)
  from unnest(
           $2::uuid[],
           $3::text[],
           $4::text[],
           $5::text[],
           $6::text[],
           $7::text[],
           $8::text[],
           $9::text[],
           $10::text[],
           $11::text[],
           $12::double precision[],
           $13::integer[],
           $14::uuid[],
           $15::double precision[]
       ) as new (
           task_run_id, task_key, dynamic_key, name, tags, labels, task_version, inputs, retry_policy,
           cache_key, cache_expires_at, flow_run_run_count, child_flow_run_id, expected_start_at
       )
 where task_run.workspace_id = $1
   and task_run.task_run_id = new.task_run_id
   and task_run.task_key = ''
   and task_run.name = ''
