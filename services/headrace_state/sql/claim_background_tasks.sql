-- Gives the first due task runs of the tasks that a task server serves to it, in the order of their queue.
with found as (
    select head.task_run_id,
           head.place
      from unnest($2::text[]) as wanted (task_key)
     cross join lateral (
               select background_task.task_run_id,
                      background_task.place
                 from background_task
                where background_task.workspace_id = $1
                  and background_task.task_key = wanted.task_key
                  and background_task.token is null
                  and not background_task.is_waiting
                  and background_task.due_at <= now()
                order by background_task.place
                limit $4
                  for update skip locked
           ) as head
     order by head.place
     limit $4
),
claimed as (
    update background_task
       set token = case when $6 then gen_random_uuid() else background_task.task_run_id end,
           server_id = $3,
           deliveries = background_task.deliveries + 1,
           lease_expires_at = clock_timestamp() + make_interval(secs => $5)
      from found
     where background_task.task_run_id = found.task_run_id
    returning background_task.task_run_id,
              background_task.place,
              background_task.token,
              background_task.deliveries,
              background_task.parameters,
              background_task.parameters_reference
)
select claimed.task_run_id,
       claimed.token,
       claimed.deliveries,
       claimed.parameters,
       claimed.parameters_reference
  from claimed
 order by claimed.place
