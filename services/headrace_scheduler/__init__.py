"""What runs when and where: deployments, their schedules, work pools, and the dispatch of due runs to workers.

Owns the tables `deployment`, `deployment_version`, `schedule`, `work_pool`, `work_queue`, `worker` and `errand`;
serves `DeploymentService`, `WorkPoolService`, `WorkerService` and the outbox; makes the runs of schedules ahead of
time, hands due runs to workers over their streams, and notices workers that are gone.
"""
