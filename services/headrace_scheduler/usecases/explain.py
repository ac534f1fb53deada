"""Explaining why a flow run is not running."""

from __future__ import annotations

import uuid

from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules import explanation
from headrace_scheduler.rules.explanation import PlaceFacts, Reason, RunFacts
from headrace_scheduler.usecases.workbench import Actor, Workbench

_MOST_WORKERS = 1_000
"""Workers of one place that are looked at."""


async def explain_flow_run(
    bench: Workbench, actor: Actor, flow_run_id: uuid.UUID
) -> tuple[RunFacts, tuple[Reason, ...]]:
    """Return what is known of a run, and why it is where it is, the most important reason first.

    Raises:
        errors.NotFound: There is no such flow run.
        errors.Unavailable: The state service does not answer.
    """
    run = await bench.state.describe_run(actor.workspace_id, flow_run_id)

    async def look(unit: Unit) -> PlaceFacts:
        deployment = None
        if run.deployment_id is not None:
            deployment = await unit.deployments.load(actor.workspace_id, run.deployment_id)
        if run.work_pool_id is not None:
            pool = await unit.pools.load_by_id(run.work_pool_id)
            if pool is None:
                return PlaceFacts(deployment)
            queue = await unit.pools.load_queue(pool.work_pool_id, run.work_queue_name)
            workers = await unit.workers.list_page(actor.workspace_id, pool.name, (), None, _MOST_WORKERS)
            return PlaceFacts(deployment, pool, queue, tuple(workers))
        if run.deployment_id is None:
            return PlaceFacts(deployment)
        serving = await unit.workers.list_serving(actor.workspace_id, run.deployment_id)
        return PlaceFacts(deployment, workers=tuple(serving))

    return run, explanation.explain(run, await bench.store.read(look))
