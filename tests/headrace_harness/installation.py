"""A real gateway with played services, for tests of pages that need a certain past.

The services keep a few things in memory, change them as the API says, and tell streams about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import uuid
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

from headrace import errors
from headrace.api.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    deployment_pb2,
    deployment_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    state_pb2,
    system_pb2,
    system_pb2_grpc,
    task_run_pb2,
    work_pool_pb2,
    work_pool_pb2_grpc,
)
from headrace.ids import uuid7
from headrace_chassis.calls import current_draining
from headrace_harness.gateway import play, running_gateway

FINAL = {
    state_pb2.STATE_TYPE_CANCELLED,
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_FAILED,
    state_pb2.STATE_TYPE_CRASHED,
}
_NAMES = {
    state_pb2.STATE_TYPE_SCHEDULED: "Scheduled",
    state_pb2.STATE_TYPE_PENDING: "Pending",
    state_pb2.STATE_TYPE_RUNNING: "Running",
    state_pb2.STATE_TYPE_CANCELLING: "Cancelling",
    state_pb2.STATE_TYPE_CANCELLED: "Cancelled",
    state_pb2.STATE_TYPE_COMPLETED: "Completed",
    state_pb2.STATE_TYPE_FAILED: "Failed",
    state_pb2.STATE_TYPE_CRASHED: "Crashed",
}


def moment(seconds_ago: float = 0.0) -> timestamp_pb2.Timestamp:
    at = timestamp_pb2.Timestamp()
    at.FromDatetime(datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago))
    return at


def state(kind: state_pb2.StateType.ValueType, message: str = "", seconds_ago: float = 0.0) -> state_pb2.State:
    return state_pb2.State(
        state_id=str(uuid7()), type=kind, name=_NAMES[kind], message=message, occurred_at=moment(seconds_ago)
    )


class Store:
    """What there is, and who wants to be told of changes."""

    def __init__(self) -> None:
        self.runs: dict[str, flow_run_pb2.FlowRun] = {}
        self.history: dict[str, list[state_pb2.State]] = {}
        self.tasks: dict[str, list[task_run_pb2.TaskRun]] = {}
        self.logs: dict[str, list[log_pb2.LogRecord]] = {}
        self.artifacts: dict[str, list[artifact_pb2.Artifact]] = {}
        self.changed = asyncio.Condition()
        self.version = 0

    def add(self, run: flow_run_pb2.FlowRun) -> None:
        run.flow_run_id = run.flow_run_id or str(uuid7())
        self.runs[run.flow_run_id] = run
        first = state_pb2.State()
        first.CopyFrom(run.state)
        self.history.setdefault(run.flow_run_id, []).append(first)

    async def tell(self) -> None:
        async with self.changed:
            self.version += 1
            self.changed.notify_all()

    async def set_state(self, run_id: str, new: state_pb2.State) -> None:
        run = self.runs[run_id]
        run.state.CopyFrom(new)
        self.history[run_id].append(new)
        if new.type == state_pb2.STATE_TYPE_RUNNING:
            run.started_at.CopyFrom(new.occurred_at)
            run.ClearField("ended_at")
        if new.type in FINAL:
            run.ended_at.CopyFrom(new.occurred_at)
        await self.tell()

    async def versions(self) -> AsyncGenerator[int, None]:
        """Yield at once, and after each change until the server stops."""
        draining = current_draining()
        seen = -1
        while not draining.is_set():
            async with self.changed:
                while seen == self.version and not draining.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.2):
                            await self.changed.wait()
                seen = self.version
            yield seen


class FlowRuns(flow_run_pb2_grpc.FlowRunServiceServicer):
    """Runs that change when asked to."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def _get(self, run_id: str) -> flow_run_pb2.FlowRun:
        if run_id not in self.store.runs:
            raise errors.NotFound("there is no such flow run", reason="FLOW_RUN_NOT_FOUND")
        return self.store.runs[run_id]

    async def CreateFlowRun(self, request: Any, context: Any) -> Any:
        run = flow_run_pb2.FlowRun(flow_name=request.flow_name, name=request.name, state=request.state)
        run.state.name = _NAMES[run.state.type]
        run.started_at.CopyFrom(moment())
        self.store.add(run)
        await self.store.tell()
        return flow_run_pb2.CreateFlowRunResponse(flow_run=run, created=True)

    async def ListFlowRuns(self, request: Any, context: Any) -> Any:
        runs = sorted(self.store.runs.values(), key=lambda run: run.flow_run_id, reverse=True)
        wanted = set(request.filter.state_types)
        text = request.filter.text.lower()
        fitting = [
            run
            for run in runs
            if (not wanted or run.state.type in wanted) and text in f"{run.name} {run.flow_name}".lower()
        ]
        return flow_run_pb2.ListFlowRunsResponse(flow_runs=fitting)

    async def ProposeFlowRunState(self, request: Any, context: Any) -> Any:
        self._get(request.flow_run_id)
        await self.store.set_state(request.flow_run_id, state(request.state.type, request.state.message))
        accepted = state_pb2.Verdict.Accepted(state=request.state)
        return flow_run_pb2.ProposeFlowRunStateResponse(verdict=state_pb2.Verdict(accepted=accepted))

    async def CancelFlowRun(self, request: Any, context: Any) -> Any:
        await self.store.set_state(request.flow_run_id, state(state_pb2.STATE_TYPE_CANCELLING, request.reason))
        run = self._get(request.flow_run_id)
        accepted = state_pb2.Verdict.Accepted(state=run.state)
        return flow_run_pb2.CancelFlowRunResponse(verdict=state_pb2.Verdict(accepted=accepted), flow_run=run)

    async def RetryFlowRun(self, request: Any, context: Any) -> Any:
        await self.store.set_state(request.flow_run_id, state(state_pb2.STATE_TYPE_SCHEDULED))
        run = self._get(request.flow_run_id)
        accepted = state_pb2.Verdict.Accepted(state=run.state)
        return flow_run_pb2.RetryFlowRunResponse(verdict=state_pb2.Verdict(accepted=accepted), flow_run=run)

    async def ListFlowRunStates(self, request: Any, context: Any) -> Any:
        return flow_run_pb2.ListFlowRunStatesResponse(states=self.store.history[request.flow_run_id])

    async def WatchFlowRun(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._get(request.flow_run_id)
        async with contextlib.aclosing(self.store.versions()) as versions:
            async for _ in versions:
                run = self._get(request.flow_run_id)
                tasks = self.store.tasks.get(request.flow_run_id, [])
                yield flow_run_pb2.WatchFlowRunResponse(flow_run=run, task_runs=tasks, caught_up=True)
                if run.state.type in FINAL:
                    return

    async def FollowFlowRuns(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield flow_run_pb2.FollowFlowRunsResponse(heartbeat=True)
        wanted = set(request.filter.flow_run_ids)
        told: dict[str, bytes] = {key: run.SerializeToString() for key, run in self.store.runs.items()}
        async with contextlib.aclosing(self.store.versions()) as versions:
            async for _ in versions:
                changed = [
                    run
                    for key, run in self.store.runs.items()
                    if told.get(key) != run.SerializeToString() and (not wanted or key in wanted)
                ]
                told.update((run.flow_run_id, run.SerializeToString()) for run in changed)
                if changed:
                    yield flow_run_pb2.FollowFlowRunsResponse(flow_runs=changed)


class Logs(log_pb2_grpc.LogServiceServicer):
    """Records of runs; `AppendLogs` adds to them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def AppendLogs(self, request: Any, context: Any) -> Any:
        for record in request.records:
            record.log_id = str(uuid7())
            record.occurred_at.CopyFrom(moment())
            self.store.logs.setdefault(record.flow_run_id, []).append(record)
        await self.store.tell()
        return log_pb2.AppendLogsResponse(stored=len(request.records))

    async def FollowLogs(self, request: Any, context: Any) -> AsyncIterator[Any]:
        [run_id] = request.filter.flow_run_ids
        sent = int(request.follow_token or 0)
        async with contextlib.aclosing(self.store.versions()) as versions:
            async for _ in versions:
                records = self.store.logs.get(run_id, [])
                fresh = [record for record in records[sent:] if record.level >= request.filter.level_at_least]
                sent = len(records)
                yield log_pb2.FollowLogsResponse(logs=fresh, follow_token=str(sent), caught_up=True)


class Artifacts(artifact_pb2_grpc.ArtifactServiceServicer):
    """Artifacts of runs."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def ListArtifacts(self, request: Any, context: Any) -> Any:
        found = [item for run_id in request.filter.flow_run_ids for item in self.store.artifacts.get(run_id, [])]
        return artifact_pb2.ListArtifactsResponse(artifacts=found)


class Deployments(deployment_pb2_grpc.DeploymentServiceServicer):
    """Two deployments that start runs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        cron = deployment_pb2.Schedule(
            schedule_id=str(uuid7()),
            active=True,
            rule=deployment_pb2.ScheduleRule(cron=deployment_pb2.CronRule(expression="0 6 * * *")),
            next_at=moment(-7200),
        )
        interval = deployment_pb2.Schedule(
            schedule_id=str(uuid7()),
            active=True,
            rule=deployment_pb2.ScheduleRule(
                interval=deployment_pb2.IntervalRule(every=duration_pb2.Duration(seconds=900))
            ),
            next_at=moment(-300),
        )
        self.deployments = {
            item.deployment_id: item
            for item in (
                deployment_pb2.Deployment(
                    deployment_id=str(uuid7()),
                    name="daily",
                    flow_name="weather-report",
                    status=deployment_pb2.DEPLOYMENT_STATUS_READY,
                    content=deployment_pb2.DeploymentContent(work_pool_name="process"),
                    schedules=[cron],
                ),
                deployment_pb2.Deployment(
                    deployment_id=str(uuid7()),
                    name="every-quarter-hour",
                    flow_name="sync-stations",
                    status=deployment_pb2.DEPLOYMENT_STATUS_NOT_READY,
                    schedules=[interval],
                ),
            )
        }
        next(iter(self.deployments.values())).content.parameters.update({"station": "Seattle", "days": 30})

    async def ListDeployments(self, request: Any, context: Any) -> Any:
        return deployment_pb2.ListDeploymentsResponse(deployments=self.deployments.values())

    async def PauseDeployment(self, request: Any, context: Any) -> Any:
        self.deployments[request.deployment_id].paused = True
        return deployment_pb2.PauseDeploymentResponse(deployment=self.deployments[request.deployment_id])

    async def RunDeployment(self, request: Any, context: Any) -> Any:
        deployment = self.deployments[request.deployment_id]
        run = flow_run_pb2.FlowRun(
            flow_name=deployment.flow_name,
            name="quick-heron",
            deployment_id=deployment.deployment_id,
            deployment_name=deployment.name,
            state=state(state_pb2.STATE_TYPE_SCHEDULED),
            parameters=request.parameters,
            expected_start_at=moment(),
        )
        self.store.add(run)
        await self.store.tell()
        return deployment_pb2.RunDeploymentResponse(flow_run=run, created=True)


class WorkPools(work_pool_pb2_grpc.WorkPoolServiceServicer):
    """One pool with two workers."""

    async def ListWorkPools(self, request: Any, context: Any) -> Any:
        pool = work_pool_pb2.WorkPool(
            work_pool_id=str(uuid.UUID(int=7)),
            name="process",
            type="process",
            status=work_pool_pb2.WORK_POOL_STATUS_READY,
            concurrency_limit=8,
            active_slots=3,
        )
        return work_pool_pb2.ListWorkPoolsResponse(work_pools=[pool])

    async def ListWorkers(self, request: Any, context: Any) -> Any:
        workers = [
            work_pool_pb2.Worker(
                worker_id=str(uuid.UUID(int=number)),
                name=name,
                host=f"{name}.local",
                work_pool_name="process",
                status=status,
                capacity=4,
                client_version="0.1.0",
                last_heartbeat_at=moment(ago),
            )
            for number, (name, status, ago) in enumerate(
                [
                    ("mill-1", work_pool_pb2.WORKER_STATUS_ONLINE, 1),
                    ("mill-2", work_pool_pb2.WORKER_STATUS_OFFLINE, 4000),
                ]
            )
        ]
        return work_pool_pb2.ListWorkersResponse(workers=workers)


class Events(event_pb2_grpc.EventServiceServicer):
    """Nothing happens."""

    async def FollowEvents(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield event_pb2.FollowEventsResponse(follow_token="1")
        await current_draining().wait()


class System(system_pb2_grpc.SystemServiceServicer):
    """The least that there is to tell."""

    async def GetSystem(self, request: Any, context: Any) -> Any:
        return system_pb2.GetSystemResponse(version="0.1.0", capabilities=["state"])


def picture() -> bytes:
    """A PNG of 2 by 2 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (2).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    rows = b"\x00" + b"\x0d\x6f\x96" * 2 + b"\x00" + b"\x57\xc7\x85" * 2
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def populate(store: Store) -> str:
    """Fill in some past, and return the id of the run that has something of everything."""
    past = [
        ("calm-otter", "weather-report", state_pb2.STATE_TYPE_COMPLETED, "", 86_000, 42.3),
        ("brisk-lynx", "weather-report", state_pb2.STATE_TYPE_FAILED, "ValueError: no rows for 2012-02-30", 3_700, 3.1),
        ("odd-heron", "sync-stations", state_pb2.STATE_TYPE_CRASHED, "the worker was lost", 1_900, 12.0),
        ("late-newt", "sync-stations", state_pb2.STATE_TYPE_CANCELLED, "Cancelled in the web interface", 900, 61.0),
    ]
    for index, (name, flow, kind, message, ago, took) in enumerate(past):
        run = flow_run_pb2.FlowRun(
            flow_run_id=f"019ab000-0000-7000-8000-{index:012d}",
            name=name,
            flow_name=flow,
            deployment_name="daily" if flow == "weather-report" else "",
            state=state(kind, message, ago - took),
            started_at=moment(ago),
            ended_at=moment(ago - took),
            tags=["nightly", "noaa"] if index == 0 else [],
            run_count=1,
        )
        store.add(run)
    main = flow_run_pb2.FlowRun(
        name="merry-mallard",
        flow_name="weather-report",
        deployment_name="daily",
        work_pool_name="process",
        worker_name="mill-1",
        state=state(state_pb2.STATE_TYPE_RUNNING, seconds_ago=20),
        started_at=moment(20),
        tags=["noaa"],
        run_count=1,
    )
    main.parameters.update({"station": "Seattle", "days": 30, "options": {"strict": True, "months": [1, 2, 3]}})
    store.add(main)
    run_id = main.flow_run_id
    plan = [
        ("extract", 20, 6.0),
        ("validate", 14, 1.5),
        *((f"summarise-{n}", 12 - n / 4, 2.0 + n / 3) for n in range(14)),
    ]
    for name, task_ago, took in plan:
        is_done = task_ago - took > 0.5
        kind = state_pb2.STATE_TYPE_COMPLETED if is_done else state_pb2.STATE_TYPE_RUNNING
        task = task_run_pb2.TaskRun(
            task_run_id=str(uuid7()),
            flow_run_id=run_id,
            name=name,
            state=state(kind, seconds_ago=max(task_ago - took, 0)),
            started_at=moment(task_ago),
            run_count=2 if name == "summarise-3" else 1,
        )
        if is_done:
            task.ended_at.CopyFrom(moment(task_ago - took))
        store.tasks.setdefault(run_id, []).append(task)
    lines = [
        (20, "Downloading %d rows"),
        (10, "cache miss for key %d"),
        (30, "row %d has no wind"),
        (40, "retrying month %d"),
    ]
    for index in range(300):
        level, text = lines[index % 4 if index % 7 == 0 else 0]
        store.logs.setdefault(run_id, []).append(
            log_pb2.LogRecord(
                log_id=str(uuid7()),
                flow_run_id=run_id,
                level=level,
                logger="headrace.flow_runs",
                message=text % index,
                occurred_at=moment(20 - index / 20),
            )
        )
    _artifacts(store, run_id)
    return run_id


def _artifacts(store: Store, run_id: str) -> None:
    table = artifact_pb2.TableContent(columns=["month", "mean °C", "rain mm"])
    for month, mean, rain in (("January", 4.6, 173.3), ("February", 6.0, 92.3), ("March", 7.9, 183.0)):
        table.rows.add().extend([month, mean, rain])
    image = artifact_pb2.ImageContent(data=picture(), media_type="image/png")
    text = (
        "## Seattle\n\nThe wettest month is **March**.\n\n- [NOAA](https://www.noaa.gov)\n\n<script>alert(1)</script>"
    )
    store.artifacts[run_id] = [
        artifact_pb2.Artifact(artifact_id=str(uuid7()), created_at=moment(5), **content)
        for content in (
            {"key": "by-month", "description": "Means **per month**.", "table": table},
            {"key": "report", "markdown": text},
            {"key": "temperature", "image": image},
            {"key": "progress", "progress": 62.0},
        )
    ]


class Installation:
    """A server that can be stopped and started again on the same port, over the same past."""

    def __init__(self) -> None:
        self.store = Store()
        self.run_id = populate(self.store)
        """The run that has something of everything."""
        self.port = 0
        self._servicers = (
            play(FlowRuns, self.store),
            play(Logs, self.store),
            play(Artifacts, self.store),
            play(Deployments, self.store),
            play(WorkPools),
            play(Events),
            play(System),
        )
        self._running = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Serve."""
        started = running_gateway(self._servicers, port=self.port, drain_seconds=1.0)
        running = await self._running.enter_async_context(started)
        self.port = running.gateway.port

    async def stop(self) -> None:
        """Stop serving; what there is stays."""
        await self._running.aclose()
