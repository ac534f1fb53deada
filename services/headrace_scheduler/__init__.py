"""What runs when and where: deployments, their schedules, work pools, and the dispatch of due runs to workers.

Owns the schema `scheduler`: `deployment`, `deployment_version`, `schedule`, `calendar`, `backfill`, `backfill_item`,
`service_level`, `service_level_violation`, `work_pool`, `work_queue`, `worker`, `errand` (what the state service is
still to be told), `outbox`; serves `DeploymentService`, `CalendarService`, `BackfillService`, `ServiceLevelService`,
`ExplanationService`, `WorkPoolService`, `WorkerService` and, to the other services, `OutboxService`; its loops make
the runs of schedules ahead of time, bring backfills on, watch service levels, hand due runs to workers over their
streams, and notice workers that are gone.
"""
