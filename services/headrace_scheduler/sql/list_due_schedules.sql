-- Schedules that need runs made, longest due first, with the deployment that the runs are of.
-- A schedule whose earlier runs have yet to be dropped waits until that is done.
select schedule.schedule_id,
       schedule.deployment_id,
       schedule.slug,
       schedule.rule,
       schedule.active,
       schedule.parameters,
       schedule.starts_at,
       schedule.ends_at,
       schedule.catch_up,
       schedule.maximum_lateness_seconds,
       schedule.jitter_seconds,
       schedule.blackouts,
       schedule.calendar_names,
       coalesce(
           (select jsonb_agg(jsonb_build_object(
                       'name', calendar.name,
                       'description', calendar.description,
                       'time_zone', calendar.time_zone,
                       'dates', calendar.dates,
                       'weekdays', calendar.weekdays,
                       'blackouts', calendar.blackouts
                   ) order by array_position(schedule.calendar_names, calendar.name))
              from calendar
             where calendar.workspace_id = schedule.workspace_id
               and calendar.name = any (schedule.calendar_names)),
           '[]'::jsonb
       ) as calendars,
       schedule.cursor_at,
       schedule.next_at,
       schedule.upcoming_at,
       schedule.revision,
       schedule.created_at,
       schedule.updated_at,
       now() as now,
       deployment.deployment_id        as deployment__deployment_id,
       deployment.workspace_id         as deployment__workspace_id,
       deployment.flow_id              as deployment__flow_id,
       deployment.flow_name            as deployment__flow_name,
       deployment.name                 as deployment__name,
       deployment.version_id           as deployment__version_id,
       deployment.version_number       as deployment__version_number,
       deployment.paused               as deployment__paused,
       deployment.work_pool_id         as deployment__work_pool_id,
       deployment.concurrency_limit    as deployment__concurrency_limit,
       deployment.concurrency_strategy as deployment__concurrency_strategy,
       deployment.grace_seconds        as deployment__grace_seconds,
       deployment.shared_limit_name    as deployment__shared_limit_name,
       deployment.concurrency_key      as deployment__concurrency_key,
       deployment.concurrency_key_limit as deployment__concurrency_key_limit,
       deployment.creator_kind         as deployment__creator_kind,
       deployment.creator_id           as deployment__creator_id,
       deployment.creator_name         as deployment__creator_name,
       deployment.created_at           as deployment__created_at,
       deployment.updated_at           as deployment__updated_at,
       deployment_version.content      as deployment__content,
       work_pool.name                  as deployment__work_pool_name,
       work_queue.work_queue_id        as deployment__effective_queue_id,
       work_queue.name                 as deployment__effective_queue_name,
       false                           as deployment__is_ready
  from schedule
  join deployment
    on deployment.deployment_id = schedule.deployment_id
  join deployment_version
    on deployment_version.version_id = deployment.version_id
  left join work_pool
    on work_pool.work_pool_id = deployment.work_pool_id
  left join work_queue
    on work_queue.work_queue_id = coalesce(deployment.work_queue_id, work_pool.default_queue_id)
 where schedule.next_at is not null
   and schedule.next_at <= now()
   and not exists (
           select
             from errand
            where errand.kind = 'drop-runs'
              and errand.subject in (schedule.schedule_id::text, schedule.deployment_id::text)
       )
 order by schedule.next_at
 limit $1
