-- Claims due deliveries for a try: a few of each automation, so that a slow receiver does not hold up the others.
with recursive waiting (automation_id) as (
       (
       select delivery.automation_id
         from delivery
        where delivery.status = 'PENDING'
        order by delivery.automation_id
        limit 1
       )
       union all
       select (
              select delivery.automation_id
                from delivery
               where delivery.status = 'PENDING'
                 and delivery.automation_id > waiting.automation_id
               order by delivery.automation_id
               limit 1
              )
         from waiting
        where waiting.automation_id is not null
     ),
     claimed as (
       select due.delivery_id
         from waiting
        cross join lateral (
              select delivery.delivery_id, delivery.next_try_at
                from delivery
               where delivery.status = 'PENDING'
                 and delivery.automation_id = waiting.automation_id
                 and delivery.next_try_at <= now()
               order by delivery.next_try_at, delivery.delivery_id
               limit $2
                 for update skip locked
              ) as due
        where not waiting.automation_id = any ($3::uuid[])
        order by due.next_try_at
        limit $1
     )
update delivery
   set tries = delivery.tries + 1,
       next_try_at = now() + make_interval(secs => $4)
  from claimed
 where delivery.delivery_id = claimed.delivery_id
returning delivery.delivery_id,
       delivery.workspace_id,
       delivery.automation_id,
       delivery.automation_name,
       delivery.event_id,
       delivery.action_kind,
       delivery.action,
       delivery.context,
       delivery.status,
       delivery.tries,
       delivery.next_try_at,
       delivery.last_answer,
       delivery.last_status_code,
       delivery.created_at,
       delivery.ended_at
