-- Deletes the runs that schedules made of a deployment $2 (of the schedule $3 only, if given) and that did not start:
-- those due in the future, or with $4 all of them. What is being claimed is left alone.
with chosen as (
    select flow_run.flow_run_id
      from flow_run
     where flow_run.workspace_id = $1
       and flow_run.deployment_id = $2
       and flow_run.state_type = 'SCHEDULED'
       and flow_run.auto_scheduled
       and flow_run.attempt = 0
       and ($3::text is null or (flow_run.creator_kind = 'SCHEDULE' and flow_run.creator_id = $3))
       and ($4 or flow_run.next_scheduled_start_at > now())
       for update skip locked
),
gone as (
    delete from flow_run
     using chosen
     where flow_run.flow_run_id = chosen.flow_run_id
    returning flow_run.flow_run_id
),
payload as (
    delete from flow_run_payload
     using gone
     where flow_run_payload.flow_run_id = gone.flow_run_id
),
queue as (
    delete from due_run
     using gone
     where due_run.flow_run_id = gone.flow_run_id
),
history as (
    delete from transition
     using gone
     where transition.run_id = gone.flow_run_id
       and transition.occurred_at >= $5
)
select count(*) as dropped
  from gone
