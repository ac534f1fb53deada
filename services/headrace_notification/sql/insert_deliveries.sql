-- Queues deliveries, due now; those that come with an answer are given up already.
insert into delivery (
       delivery_id, workspace_id, automation_id, automation_name, event_id, action_kind, action, context, status,
       tries, next_try_at, last_answer, last_status_code, ended_at
       )
select delivery_id,
       workspace_id,
       automation_id,
       automation_name,
       event_id,
       action_kind,
       action,
       context,
       status,
       0,
       case when status = 'PENDING' then now() end,
       last_answer,
       0,
       case when status <> 'PENDING' then now() end
  from unnest(
       $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::jsonb[], $8::jsonb[], $9::text[],
       $10::text[]
       ) as new (
       delivery_id, workspace_id, automation_id, automation_name, event_id, action_kind, action, context, status,
       last_answer
       )
