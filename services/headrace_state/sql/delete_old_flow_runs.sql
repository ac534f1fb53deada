-- Deletes old flow runs whose task runs are gone, with what belongs to them; who holds one of them keeps it for now.
with old as (
    select flow_run.flow_run_id
      from flow_run
     where flow_run.flow_run_id = any ($1::uuid[])
       and flow_run.state_type in ('CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED')
       and not exists (
               select 1
                 from task_run
                where task_run.flow_run_id = flow_run.flow_run_id
           )
       for update skip locked
),
payload as (
    delete from flow_run_payload
     using old
     where flow_run_payload.flow_run_id = old.flow_run_id
),
inputs as (
    delete from run_input
     using old
     where run_input.flow_run_id = old.flow_run_id
),
notes as (
    delete from run_note
     using old
     where run_note.flow_run_id = old.flow_run_id
),
artifacts as (
    delete from artifact
     using old
     where artifact.flow_run_id = old.flow_run_id
       and artifact.key = ''
)
delete from flow_run
 using old
 where flow_run.flow_run_id = old.flow_run_id
returning flow_run.flow_run_id
