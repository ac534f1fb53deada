-- Queues deliveries, due now.
insert into delivery (
       delivery_id, workspace_id, automation_id, automation_name, event_id, action_kind, action, context, status,
       tries, next_try_at, last_answer, last_status_code
       )
select delivery_id,
       workspace_id,
       automation_id,
       automation_name,
       event_id,
       action_kind,
       action,
       context,
       'PENDING',
       0,
       now(),
       '',
       0
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::jsonb[], $8::jsonb[])
    as new (delivery_id, workspace_id, automation_id, automation_name, event_id, action_kind, action, context)
