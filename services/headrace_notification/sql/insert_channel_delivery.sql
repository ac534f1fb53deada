-- Queues a message for a channel, unless its key is known there.
insert into channel_delivery (
       channel_delivery_id, workspace_id, channel_id, channel_name, channel_kind, dedup_key, group_key, message,
       event_id, automation_id, flow_run_id, status, tries, last_try, scheduled_at, next_try_at, last_answer,
       last_status_code, ended_at, grouped, acknowledged_by, escalation_of_id, escalations
       )
values (
       $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, case when $12 = 'PENDING' then $14::timestamptz end, $15, 0,
       case when $12 = 'PENDING' then null else now() end, 1, '', $16, $17
       )
on conflict (channel_id, dedup_key) do nothing
returning channel_delivery_id
