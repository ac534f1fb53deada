-- Deletes a flow run with its task runs, history, inputs, notes and place in the queue; artifacts stay, for they are results.
with gone as (
    delete from flow_run
     where flow_run.workspace_id = $1
       and flow_run.flow_run_id = $2
    returning flow_run_id
),
tasks as (
    delete from task_run
     using gone
     where task_run.flow_run_id = gone.flow_run_id
    returning task_run_id
),
payload as (
    delete from flow_run_payload
     using gone
     where flow_run_payload.flow_run_id = gone.flow_run_id
),
inputs as (
    delete from run_input
     using gone
     where run_input.flow_run_id = gone.flow_run_id
),
notes as (
    delete from run_note
     using gone
     where run_note.flow_run_id = gone.flow_run_id
),
queue as (
    delete from due_run
     using gone
     where due_run.flow_run_id = gone.flow_run_id
)
delete from transition
 where transition.occurred_at >= $3
   and transition.run_id in (
           select gone.flow_run_id
             from gone
            union all
           select tasks.task_run_id
             from tasks
       )
