-- Runs to come were dropped and have to be made anew, also those that jitter has moved beyond now.
update schedule
   set cursor_at = least(schedule.cursor_at, now() - make_interval(secs => schedule.jitter_seconds)),
       next_at = case when schedule.active and not deployment.paused then now() end,
       upcoming_at = '{}',
       revision = schedule.revision + 1
  from deployment
 where schedule.schedule_id = any ($1::uuid[])
   and deployment.deployment_id = schedule.deployment_id
