"""Making the runs of schedules, ahead of time and each once.

The state service knows a run of a schedule by the key of its slot. So whoever makes it a second time, another
replica or the same after a crash, finds the first one. Only then the schedule moves on.
"""

from __future__ import annotations

import datetime
import logging
import uuid
from collections.abc import Callable, Sequence

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Advance, DueSchedule, Unit
from headrace_scheduler.rules import errands as errand_rules
from headrace_scheduler.rules import lookahead
from headrace_scheduler.rules.deployment import Creator, Deployment
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.lookahead import Horizon, Plan
from headrace_scheduler.rules.runs import NewRun
from headrace_scheduler.usecases.workbench import Actor, Workbench

logger = logging.getLogger(__name__)

MOST_SCHEDULES = 100
"""Schedules of one look."""
MOST_RUNS = 500
"""Runs that are made in one call."""
RETRY_AFTER = datetime.timedelta(minutes=1)
"""When a schedule is looked at again whose runs cannot be made."""


async def make_due_runs(bench: Workbench) -> int:
    """Make the runs of schedules that need them; return at how many schedules it looked.

    Raises:
        errors.Unavailable: The state service or the database does not answer; nothing is lost.
    """
    due, now = await bench.store.read(lambda unit: unit.schedules.list_due(MOST_SCHEDULES))
    planned = [(one, _plan(one, now)) for one in due]
    by_workspace: dict[uuid.UUID, list[tuple[DueSchedule, Plan]]] = {}
    for one, plan in planned:
        by_workspace.setdefault(one.deployment.workspace_id, []).append((one, plan))
    for workspace_id, plans in by_workspace.items():
        await _make(bench, workspace_id, plans, now)
    return len(due)


async def make_runs_within(
    bench: Workbench,
    actor: Actor,
    deployment_id: uuid.UUID,
    start_at: datetime.datetime | None,
    horizon_of: Callable[[datetime.datetime], Horizon],
) -> int:
    """Make the runs of the active schedules of a deployment that a horizon asks for; return how many are new.

    Args:
        bench: What to work with.
        actor: Who asks.
        deployment_id: Of which deployment.
        start_at: Where the horizon starts; None is now.
        horizon_of: Returns the horizon by its start.

    Raises:
        errors.NotFound: There is no such deployment.
        errors.Unavailable: The state service does not answer.
    """
    deployment, now = await bench.store.read(lambda unit: _deployment(unit, actor, deployment_id))
    horizon = horizon_of(start_at or now)
    made = 0
    for schedule in deployment.schedules if not deployment.paused else ():
        if not schedule.active:
            continue
        slots = lookahead.slots_within(schedule, horizon)
        runs = _runs(DueSchedule(schedule, deployment), Plan(slots, now, None, ()))
        if runs:
            made += sum(created.is_new for created in await bench.state.create_runs(actor.workspace_id, runs))
    return made


async def _deployment(unit: Unit, actor: Actor, deployment_id: uuid.UUID) -> tuple[Deployment, datetime.datetime]:
    found = await unit.deployments.load(actor.workspace_id, deployment_id)
    if found is None:
        raise errors.NotFound(f"there is no deployment {deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
    return found, await unit.now()


def _plan(due: DueSchedule, now: datetime.datetime) -> Plan:
    schedule = due.schedule
    try:
        return lookahead.plan(schedule, now)
    except Invalid as error:
        # It was right when it was stored; a time zone may have gone with an update of the machine.
        logger.warning("the schedule %s cannot be read any more: %s", schedule.schedule_id, error)
        return Plan((), schedule.cursor_at, now + RETRY_AFTER, schedule.upcoming_at)


async def _make(
    bench: Workbench, workspace_id: uuid.UUID, plans: Sequence[tuple[DueSchedule, Plan]], now: datetime.datetime
) -> None:
    batch: list[tuple[DueSchedule, Plan]] = []
    size = 0
    for one, plan in plans:
        if batch and size + len(plan.slots) > MOST_RUNS:
            await _make_batch(bench, workspace_id, batch, now)
            batch, size = [], 0
        batch.append((one, plan))
        size += len(plan.slots)
    if batch:
        await _make_batch(bench, workspace_id, batch, now)


async def _make_batch(
    bench: Workbench, workspace_id: uuid.UUID, batch: Sequence[tuple[DueSchedule, Plan]], now: datetime.datetime
) -> None:
    runs = [run for one, plan in batch for run in _runs(one, plan)]
    plans = list(batch)
    try:
        if runs:
            await bench.state.create_runs(workspace_id, runs)
    except (errors.Unavailable, errors.DeadlineExceeded, errors.Aborted):
        raise
    except errors.HeadraceError as error:
        if len(batch) > 1:
            # One schedule does not hold the others up.
            for single in batch:
                await _make_batch(bench, workspace_id, [single], now)
            return
        schedule = batch[0][0].schedule
        logger.warning("runs of the schedule %s cannot be made: %s", schedule.schedule_id, error)
        later = Plan((), schedule.cursor_at, now + RETRY_AFTER, schedule.upcoming_at)
        plans = [(batch[0][0], later)]
    await _advance(bench, workspace_id, plans)


async def _advance(bench: Workbench, workspace_id: uuid.UUID, plans: Sequence[tuple[DueSchedule, Plan]]) -> None:
    async def work(unit: Unit) -> list[Errand]:
        advanced = await unit.schedules.advance(
            [
                Advance(one.schedule.schedule_id, one.schedule.revision, plan.cursor_at, plan.next_at, plan.upcoming_at)
                for one, plan in plans
            ]
        )
        # Somebody changed or deleted these while their runs were made, from what they no longer are.
        strays = [one for one, plan in plans if plan.slots and one.schedule.schedule_id not in advanced]
        errands = [
            errand_rules.drop_runs(workspace_id, one.deployment.deployment_id, one.schedule.schedule_id)
            for one in strays
        ]
        for errand in errands:
            await unit.errands.add(errand)
        # What is dropped may include runs that another replica made of what they are now.
        await unit.schedules.reopen([one.schedule.schedule_id for one in strays])
        return errands

    await bench.errands.settle(await bench.store.run(work))


def _runs(due: DueSchedule, plan: Plan) -> list[NewRun]:
    schedule, deployment = due.schedule, due.deployment
    content, concurrency = deployment.content, deployment.concurrency
    return [
        NewRun(
            flow_run_id=uuid7(),
            deployment=deployment,
            version_id=deployment.version_id,
            flow_version=content.version,
            name="",
            scheduled_at=slot + schedule.jitter_of(slot),
            parameters={**content.parameters, **schedule.parameters},
            job_variables=content.job_variables,
            context={},
            tags=content.tags,
            labels=content.labels,
            retry_policy=content.retry_policy,
            creator=Creator("SCHEDULE", str(schedule.schedule_id), schedule.slug),
            idempotency_key=schedule.idempotency_key(slot),
            auto_scheduled=True,
            limits=(concurrency.shared_limit_name,) if concurrency.shared_limit_name else (),
            strategy=concurrency.strategy,
            worker_labels=content.worker_labels,
            maximum_lateness_seconds=schedule.lateness_of(slot),
            keyed_limits=deployment.keyed_limits({**content.parameters, **schedule.parameters}),
        )
        for slot in plan.slots
    ]
