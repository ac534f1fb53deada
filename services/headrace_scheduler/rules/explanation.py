"""Why a flow run is not running: what is known in, reasons out, the most important first."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace_scheduler.rules.deployment import Deployment
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus, WorkPool, WorkQueue


class Kind(enum.StrEnum):
    """What holds a run back, or where it is; named as in the contract."""

    NOT_DUE = "NOT_DUE"
    AWAITING_RETRY = "AWAITING_RETRY"
    WORK_POOL_PAUSED = "WORK_POOL_PAUSED"
    WORK_QUEUE_PAUSED = "WORK_QUEUE_PAUSED"
    LIMIT_FULL = "LIMIT_FULL"
    LIMIT_ZERO = "LIMIT_ZERO"
    NO_WORKER = "NO_WORKER"
    NO_WORKER_FOR_QUEUE = "NO_WORKER_FOR_QUEUE"
    NO_WORKER_WITH_LABELS = "NO_WORKER_WITH_LABELS"
    WORKERS_FULL = "WORKERS_FULL"
    BEHIND_OTHERS = "BEHIND_OTHERS"
    WORK_POOL_GONE = "WORK_POOL_GONE"
    NOT_DISPATCHED = "NOT_DISPATCHED"
    WAITING_FOR_PARENT = "WAITING_FOR_PARENT"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    WAITING_FOR_CHILD = "WAITING_FOR_CHILD"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    FINAL = "FINAL"
    READY = "READY"
    DEPLOYMENT_PAUSED = "DEPLOYMENT_PAUSED"
    TOO_LATE = "TOO_LATE"


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """One reason."""

    kind: Kind
    sentence: str
    advice: str = ""
    is_blocking: bool = False
    """Whether the run would not go on even if all other reasons went away."""
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    until: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit that the run needs a slot of."""

    name: str
    slots: int
    taken: int
    is_rate: bool
    holders: tuple[Mapping[str, Any], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Relative:
    """A run beside the one that is asked about."""

    run_id: str
    name: str
    state_type: str
    state_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class RunFacts:
    """What the state service knows of a run."""

    flow_run_id: uuid.UUID
    state_type: str
    state_name: str
    state_message: str
    state_at: datetime.datetime
    now: datetime.datetime
    deployment_id: uuid.UUID | None = None
    work_pool_id: uuid.UUID | None = None
    work_pool_name: str = ""
    work_queue_name: str = ""
    worker_name: str = ""
    next_start_at: datetime.datetime | None = None
    due_at: datetime.datetime | None = None
    expires_at: datetime.datetime | None = None
    pause_expires_at: datetime.datetime | None = None
    is_suspended: bool = False
    worker_labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    ahead: int = 0
    limits: tuple[LimitUse, ...] = ()
    lease_expires_at: datetime.datetime | None = None
    task_runs: tuple[Relative, ...] = ()
    subflows: tuple[Relative, ...] = ()
    parent: Relative | None = None
    cancellation_seconds: float = 0.0
    state: object = None
    """As the state service tells it; handed on as it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What the scheduler knows of where a run waits."""

    deployment: Deployment | None = None
    pool: WorkPool | None = None
    queue: WorkQueue | None = None
    workers: tuple[Worker, ...] = ()
    """Of the pool, or that serve the deployment; also those that have gone."""


_FINE = (Kind.RUNNING, Kind.FINAL, Kind.READY, Kind.STARTING, Kind.NOT_DUE, Kind.AWAITING_RETRY, Kind.DEPLOYMENT_PAUSED)
_FINE_WAITS = (Kind.BEHIND_OTHERS, Kind.WORKERS_FULL, Kind.LIMIT_FULL, Kind.WAITING_FOR_CHILD, Kind.WAITING_FOR_PARENT)


def is_healthy(reasons: Sequence[Reason]) -> bool:
    """Return whether the run goes on, or is over, without anybody doing anything."""
    return all(reason.kind in _FINE or reason.kind in _FINE_WAITS for reason in reasons)


def summary(reasons: Sequence[Reason]) -> str:
    """Return the most important reason with what to do."""
    first = reasons[0]
    return f"{first.sentence} {first.advice}".strip()


def explain(run: RunFacts, place: PlaceFacts) -> tuple[Reason, ...]:
    """Return why `run` is where it is; at least one reason."""
    match run.state_type:
        case "SCHEDULED" if run.due_at is None or run.deployment_id is run.work_pool_id is None:
            return (_without_queue(run),)
        case "SCHEDULED":
            return tuple(_waiting(run, place))
        case "PENDING":
            return (_pending(run),)
        case "RUNNING":
            return tuple(_running(run))
        case "PAUSED":
            return (_paused(run),)
        case "CANCELLING":
            return (_cancelling(run, place),)
        case _:
            said = f": {run.state_message}" if run.state_message else "."
            return (Reason(Kind.FINAL, f"It ended as {run.state_name} at {_moment(run.state_at)}{said}"),)


def _without_queue(run: RunFacts) -> Reason:
    until = run.next_start_at
    if run.lease_expires_at is not None:
        return Reason(
            Kind.AWAITING_RETRY,
            f"Its process waits for the next try{f' at {_moment(until)}' if until else ''}.",
            until=until,
        )
    if run.parent is not None:
        return _for_parent(run, run.parent)
    return Reason(
        Kind.NOT_DISPATCHED,
        "It has no deployment and no work pool, so no worker takes it; only the process that made it can run it.",
        "Create a deployment of the flow and start a run of that, or run the flow's script again.",
        is_blocking=True,
    )


def _for_parent(run: RunFacts, parent: Relative) -> Reason:
    is_over = parent.state_type in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return Reason(
        Kind.WAITING_FOR_PARENT,
        f"It is a subflow that runs inside of flow run {parent.name}, which is {parent.state_name}.",
        f"Its parent is over and will not run it: cancel it with 'headrace flow-run cancel {run.flow_run_id}'."
        if is_over
        else "",
        is_blocking=True,
        data={"flow_run_id": parent.run_id, "name": parent.name, "state": parent.state_name},
    )


def _waiting(run: RunFacts, place: PlaceFacts) -> Iterator[Reason]:
    assert run.due_at is not None
    found = [*_standing(run, place), *_limits(run), *_nobody(run, place)]
    if run.due_at > run.now:
        # What would hold it back then is worth knowing now.
        retry = run.state_name == "AwaitingRetry"
        what = "Its next try is due" if retry else "It is due"
        yield Reason(
            Kind.AWAITING_RETRY if retry else Kind.NOT_DUE,
            f"{what} at {_moment(run.due_at)}, in {_span(run.due_at - run.now)}.",
            is_blocking=True,
            until=run.due_at,
        )
        yield from found
    elif run.expires_at is not None and run.expires_at <= run.now:
        yield Reason(
            Kind.TOO_LATE,
            f"It was not to start after {_moment(run.expires_at)} and will be skipped.",
            "Raise the schedule's maximum lateness, or start a run by hand.",
            is_blocking=True,
        )
    elif found:
        yield from found
        if run.ahead and all(_frees_in_turn(run, reason) for reason in found):
            yield _behind(run)
    elif run.ahead:
        yield _behind(run)
    else:
        yield Reason(Kind.READY, "Nothing holds it back; a worker takes it in a moment.")
    if place.deployment is not None and place.deployment.paused:
        name = f"{place.deployment.flow_name}/{place.deployment.name}"
        yield Reason(
            Kind.DEPLOYMENT_PAUSED,
            f"The deployment {name} is paused, so its schedules make no further runs; this run is not held back by it.",
            f"headrace deployment resume {name}",
            data={"deployment": name},
        )


def _standing(run: RunFacts, place: PlaceFacts) -> Iterator[Reason]:
    """Yield what is paused or gone."""
    if run.work_pool_id is None:
        return
    if place.pool is None:
        yield Reason(
            Kind.WORK_POOL_GONE,
            f"The work pool {run.work_pool_name} no longer exists.",
            f"Cancel the run with 'headrace flow-run cancel {run.flow_run_id}' and start one of a deployment that has"
            " a pool.",
            is_blocking=True,
            data={"work_pool": run.work_pool_name},
        )
        return
    if place.pool.paused:
        yield Reason(
            Kind.WORK_POOL_PAUSED,
            f"The work pool {place.pool.name} is paused.",
            f"Let it go on with 'headrace work-pool resume {place.pool.name}'.",
            is_blocking=True,
            data={"work_pool": place.pool.name},
        )
    if place.queue is not None and place.queue.paused:
        yield Reason(
            Kind.WORK_QUEUE_PAUSED,
            f"The queue {place.queue.name} of the work pool {place.pool.name} is paused.",
            f"Let it go on with 'headrace work-pool queue update {place.pool.name} {place.queue.name} --resume'.",
            is_blocking=True,
            data={"work_pool": place.pool.name, "work_queue": place.queue.name},
        )


def _limits(run: RunFacts) -> Iterator[Reason]:
    for limit in run.limits:
        data = {"limit": limit.name, "slots": limit.slots, "taken": limit.taken, "holders": list(limit.holders)}
        name = _limit_words(run, limit.name)
        if limit.slots == 0:
            yield Reason(Kind.LIMIT_ZERO, f"{name} is zero.", "Raise it above zero.", is_blocking=True, data=data)
        elif limit.taken >= limit.slots:
            who = ", ".join(str(holder["name"] or holder["holder_id"]) for holder in limit.holders)
            if limit.is_rate:
                sentence = f"{name} lets {limit.slots} start at once, and its slots have not come back yet."
            else:
                more = limit.taken - sum(int(holder["slots"]) for holder in limit.holders)
                who += f" and {more} more" if more > 0 else ""
                sentence = (
                    f"{name} is full: {limit.taken} of {limit.slots} slots are held{f' by {who}' if who else ''}."
                )
            yield Reason(
                Kind.LIMIT_FULL,
                sentence,
                "It starts when one of them is done; raise the limit, or cancel a holder, to start it earlier.",
                is_blocking=True,
                data=data,
            )


def _limit_words(run: RunFacts, name: str) -> str:
    if name == f"work-pool:{run.work_pool_id}":
        return f"The concurrency limit of the work pool {run.work_pool_name}"
    if name.startswith("work-queue:"):
        return f"The concurrency limit of the queue {run.work_queue_name}"
    start, mark, key = name.partition(":key:")
    if mark and start == f"deployment:{run.deployment_id}":
        return f"The concurrency limit of its deployment for the key {key}"
    if name == f"deployment:{run.deployment_id}":
        return "The concurrency limit of its deployment"
    return f"The concurrency limit {name}"


def _nobody(run: RunFacts, place: PlaceFacts) -> Iterator[Reason]:
    """Yield why no worker takes it, of those that there are."""
    online = [worker for worker in place.workers if worker.status is WorkerStatus.ONLINE]
    if run.work_pool_id is None:
        if not online:
            paused = [worker.name for worker in place.workers if worker.status is WorkerStatus.PAUSED]
            yield Reason(
                Kind.NO_WORKER,
                f"The process that serves its deployment is paused: {paused[0]}."
                if paused
                else "No process serves its deployment now.",
                f"Let it go on with 'headrace worker resume {paused[0]}'."
                if paused
                else "Start the process that calls flow.serve() again.",
                is_blocking=True,
            )
            return
        where = "processes that serve its deployment"
    else:
        if place.pool is None:
            return
        where = f"workers of the pool {place.pool.name}"
        start = f"headrace worker start --pool {place.pool.name}"
        if not online:
            draining = sum(worker.status is WorkerStatus.DRAINING for worker in place.workers)
            paused = sorted(worker.name for worker in place.workers if worker.status is WorkerStatus.PAUSED)
            yield Reason(
                Kind.NO_WORKER,
                f"No worker of the pool {place.pool.name} is online"
                + (f"; paused is {', '.join(paused)}" if paused else "")
                + (f"; {draining} only finish what they have." if draining else "."),
                (f"Resume one with 'headrace worker resume {paused[0]}', or start" if paused else "Start")
                + f" one with '{start}'.",
                is_blocking=True,
                data={"work_pool": place.pool.name, "draining": draining, "paused": paused},
            )
            return
        queue = place.queue.name if place.queue is not None else run.work_queue_name
        online = [worker for worker in online if not worker.work_queue_names or queue in worker.work_queue_names]
        if not online:
            yield Reason(
                Kind.NO_WORKER_FOR_QUEUE,
                f"No online worker of the pool {place.pool.name} takes from the queue {queue}.",
                f"Start one with '{start} --work-queue {queue}'.",
                is_blocking=True,
                data={"work_pool": place.pool.name, "work_queue": queue},
            )
            return
    fitting = [worker for worker in online if _has_labels(worker, run.worker_labels)]
    if not fitting:
        labels = ", ".join(f"{key}={value}" for key, value in run.worker_labels.items())
        missing = sorted(
            key for key, value in run.worker_labels.items() if not any(w.labels.get(key) == value for w in online)
        )
        yield Reason(
            Kind.NO_WORKER_WITH_LABELS,
            f"It asks for a worker with the labels {labels}, and none of the {len(online)} online {where} has them"
            + (f" (none has {', '.join(missing)})." if missing else " all together."),
            "Start a worker with these labels, or change worker_labels of the deployment.",
            is_blocking=True,
            data={"labels": dict(run.worker_labels), "missing": missing},
        )
        return
    if run.due_at is not None and run.due_at <= run.now and all(_is_full(worker) for worker in fitting):
        capacity = sum(worker.capacity for worker in fitting)
        yield Reason(
            Kind.WORKERS_FULL,
            f"All {where} that can take it are full: {len(fitting)} with {capacity} slots in all.",
            "Start another worker, or raise --limit of one.",
            is_blocking=True,
            data={"workers": [worker.name for worker in fitting], "capacity": capacity},
        )


def _has_labels(worker: Worker, wanted: Mapping[str, Any]) -> bool:
    return all(key in worker.labels and worker.labels[key] == value for key, value in wanted.items())


def _is_full(worker: Worker) -> bool:
    return len(worker.flow_run_ids) >= worker.capacity


def _frees_in_turn(run: RunFacts, reason: Reason) -> bool:
    """Return whether what holds a run back holds back those before it, too, and goes to them first."""
    if reason.kind is Kind.LIMIT_FULL:
        return str(reason.data["limit"]).startswith(("work-pool:", "work-queue:"))
    return reason.kind in (Kind.NO_WORKER, Kind.WORKERS_FULL)


def _behind(run: RunFacts) -> Reason:
    where = f"queue {run.work_queue_name}" if run.work_pool_id is not None else "line of its deployment"
    many = f"{run.ahead}{' or more' if run.ahead >= 1000 else ''} due runs stand"
    return Reason(
        Kind.BEHIND_OTHERS,
        f"{'1 due run stands' if run.ahead == 1 else many} before it in the {where}.",
        data={"ahead": run.ahead},
    )


def _pending(run: RunFacts) -> Reason:
    if run.lease_expires_at is None and run.parent is not None:
        return _for_parent(run, run.parent)
    since = _span(run.now - run.state_at)
    who = f"Worker {run.worker_name}" if run.worker_name else "Its process"
    until = (
        f" If it is not heard of by {_moment(run.lease_expires_at)}, the run goes on elsewhere."
        if (run.lease_expires_at is not None)
        else ""
    )
    return Reason(
        Kind.STARTING,
        f"{who} has had it for {since} and starts it.{until}",
        until=run.lease_expires_at,
        data={"worker": run.worker_name, "seconds": (run.now - run.state_at).total_seconds()},
    )


def _running(run: RunFacts) -> Iterator[Reason]:
    waits = [*run.subflows, *run.task_runs]
    if waits:
        names = ", ".join(f"{one.name} ({one.state_name})" for one in waits[:5])
        more = " and more" if len(waits) > 5 else ""
        yield Reason(
            Kind.WAITING_FOR_CHILD,
            f"It runs; of its parts these are not over: {names}{more}.",
            data={
                "subflows": [
                    {"flow_run_id": one.run_id, "name": one.name, "state": one.state_name} for one in run.subflows
                ],
                "task_runs": [
                    {"task_run_id": one.run_id, "name": one.name, "state": one.state_name} for one in run.task_runs
                ],
            },
        )
    where = f" on worker {run.worker_name}" if run.worker_name else ""
    yield Reason(Kind.RUNNING, f"It has been running{where} for {_span(run.now - run.state_at)}.")


def _paused(run: RunFacts) -> Reason:
    how = "It is suspended: no process waits" if run.is_suspended else "It is paused: its process waits"
    end, resumed = "fails unless it is resumed by", "Let it go on with"
    if run.state_name == "AwaitingEvent":
        how = run.state_message.removesuffix(".") or "It waits for an event"
        end, resumed = "goes on without it at", "Let it go on without the event with"
    return Reason(
        Kind.PAUSED,
        how + (f", and {end} {_moment(run.pause_expires_at)}." if run.pause_expires_at else "."),
        f"{resumed} 'headrace flow-run resume {run.flow_run_id}'.",
        is_blocking=True,
        until=run.pause_expires_at,
    )


def _cancelling(run: RunFacts, place: PlaceFacts) -> Reason:
    """Say which step of the cancellation is outstanding."""
    until = run.state_at + datetime.timedelta(seconds=run.cancellation_seconds)
    since = _span(run.now - run.state_at)
    holder = next((worker for worker in place.workers if run.flow_run_id in worker.flow_run_ids), None)
    if run.subflows:
        step, what = "subflows", f"its subflows {', '.join(one.name for one in run.subflows[:5])} have not stopped"
    elif run.lease_expires_at is None or run.lease_expires_at <= run.now:
        step, what = "lease", "nobody holds it any more, and the server has yet to notice"
    elif run.worker_name and (holder is None or holder.status is WorkerStatus.OFFLINE):
        step, what = "worker", f"worker {run.worker_name} is not connected, so it could not be told"
    elif run.worker_name:
        step, what = "process", f"worker {run.worker_name} was told and has not reported that the process ended"
    else:
        step, what = "process", "its process was told and has not said that it has stopped"
    return Reason(
        Kind.CANCELLING,
        f"It was asked to stop {since} ago; {what}. It is declared cancelled at {_moment(until)} at the latest.",
        data={
            "step": step,
            "worker": run.worker_name,
            "subflows": [
                {"flow_run_id": one.run_id, "name": one.name, "state": one.state_name} for one in run.subflows
            ],
            "task_runs": [
                {"task_run_id": one.run_id, "name": one.name, "state": one.state_name} for one in run.task_runs
            ],
        },
        until=until,
    )


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(span: datetime.timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            rest = seconds % size // {86_400: 3_600, 3_600: 60, 60: 1}[size]
            smaller = {"d": "h", "h": "min", "min": "s"}[name]
            return f"{seconds // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s"
