-- Moves the runs that wait in a queue $2 into another one of its pool $3 with the name $4: where they stand by when
-- they are due, under the limit of that queue.
with moved as (
    update due_run
       set work_queue_id = $3::uuid,
           limits = array(
               select distinct case when name = 'work-queue:' || ($2::uuid)::text then 'work-queue:' || ($3::uuid)::text else name end
                 from unnest(due_run.limits) as name
           )
     where due_run.workspace_id = $1
       and due_run.work_queue_id = $2::uuid
    returning due_run.flow_run_id
),
renamed as (
    update flow_run
       set work_queue_id = $3::uuid,
           work_queue_name = $4,
           limits = array(
               select distinct case when name = 'work-queue:' || ($2::uuid)::text then 'work-queue:' || ($3::uuid)::text else name end
                 from unnest(flow_run.limits) as name
           )
     where flow_run.workspace_id = $1
       and flow_run.work_queue_id = $2::uuid
       and flow_run.state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
)
select count(*)
  from moved
