"""The state service over gRPC."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import Iterator, Sequence

import grpc
import grpc.aio

from headrace import errors
from headrace.api.v1 import flow_pb2, flow_pb2_grpc, flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace.internal.v1 import state_pb2 as pb
from headrace.internal.v1 import state_pb2_grpc as pb_grpc
from headrace.rpc import status
from headrace_chassis import trace_context
from headrace_chassis.caller import maybe_caller, set_caller
from headrace_chassis.resolving import service_caller
from headrace_scheduler.rules.explanation import RunFacts
from headrace_scheduler.rules.runs import (
    AttemptRef,
    Claim,
    Claimed,
    ClaimSearch,
    CreatedRun,
    EndedAttempt,
    NewRun,
    Renewed,
)
from headrace_scheduler.rules.service_level import LevelRun
from headrace_scheduler.wire import explanations, runs, service_levels, values

CALL_SECONDS = 5.0
"""Deadline of each call: whoever waits tries again, or leaves it to a loop."""
BULK_SECONDS = 30.0
"""Deadline of a call that makes many runs at once, which somebody waits for."""
_MANY = 100

_PAGE = 200

_STARTED = (state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_PAUSED, state_pb2.STATE_TYPE_CANCELLING)
_NOT_STARTED = (state_pb2.STATE_TYPE_SCHEDULED, state_pb2.STATE_TYPE_PENDING)
_ACTIVE = (state_pb2.STATE_TYPE_PENDING, state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_CANCELLING)


class StateClient:
    """What the scheduler asks of the state service; see `repository.state.StateService`.

    Each call acts for one workspace, whoever caused it.

    Args:
        channel: To the state service, with the internal token.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._flows = flow_pb2_grpc.FlowServiceStub(channel)
        self._flow_runs = flow_run_pb2_grpc.FlowRunServiceStub(channel)
        self._internal = pb_grpc.StateInternalServiceStub(channel)

    async def find_or_create_flow(self, workspace_id: uuid.UUID, name: str) -> uuid.UUID:
        """Return the id of the flow with a name."""
        with _acting_for(workspace_id):
            response = await self._flows.CreateFlow(flow_pb2.CreateFlowRequest(name=name), timeout=CALL_SECONDS)
        return uuid.UUID(response.flow.flow_id)

    async def create_runs(self, workspace_id: uuid.UUID, new: Sequence[NewRun]) -> list[CreatedRun]:
        """Create up to 1,000 scheduled runs, or find those that exist, in the given order."""
        caller = maybe_caller()
        # For a flow run it matters whether the parents of new runs are its own.
        acting = contextlib.nullcontext() if caller is not None and caller.is_run else _acting_for(workspace_id)
        with trace_context.doing("create scheduled runs"), acting:
            messages = runs.from_new_runs(new)
            for message, run in zip(messages, new, strict=True):
                _begin_trace(message, run.deployment.flow_name)
            request = pb.CreateScheduledRunsRequest(runs=messages)
            try:
                response = await self._internal.CreateScheduledRuns(
                    request, timeout=BULK_SECONDS if len(new) > _MANY else CALL_SECONDS
                )
            except grpc.aio.AioRpcError as error:
                if isinstance(cause := status.from_rpc_error(error), errors.PermissionDenied):
                    raise cause from error
                raise
        return [
            CreatedRun(created.flow_run, uuid.UUID(created.flow_run.flow_run_id), created.created)
            for created in response.runs
        ]

    async def state_types(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Return the types of the states of those runs that exist."""
        found: dict[uuid.UUID, str] = {}
        for start in range(0, len(flow_run_ids), _PAGE):
            chosen = flow_run_pb2.FlowRunFilter(flow_run_ids=map(str, flow_run_ids[start : start + _PAGE]))
            with _acting_for(workspace_id):
                response = await self._flow_runs.ListFlowRuns(
                    flow_run_pb2.ListFlowRunsRequest(filter=chosen, page_size=_PAGE), timeout=CALL_SECONDS
                )
            found.update((uuid.UUID(run.flow_run_id), runs.state_type(run)) for run in response.flow_runs)
        return found

    async def cancel_run(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, reason: str) -> None:
        """Ask a run to stop; one that is gone or over is left alone."""
        request = flow_run_pb2.CancelFlowRunRequest(flow_run_id=str(flow_run_id), reason=reason)
        try:
            with _acting_for(workspace_id):
                await self._flow_runs.CancelFlowRun(request, timeout=CALL_SECONDS)
        except errors.NotFound:
            return

    async def latest_completed(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> LevelRun | None:
        """Return the run of a deployment that completed last, None if none has."""
        chosen = flow_run_pb2.FlowRunFilter(
            deployment_ids=[str(deployment_id)], state_types=[state_pb2.STATE_TYPE_COMPLETED]
        )
        found = await self._list(workspace_id, chosen, 1, flow_run_pb2.FLOW_RUN_SORT_ENDED_DESC)
        return found[0] if found else None

    async def runs_to_judge(
        self,
        workspace_id: uuid.UUID,
        deployment_id: uuid.UUID,
        *,
        started: bool,
        open_since: datetime.datetime,
        over_since: datetime.datetime,
    ) -> list[LevelRun]:
        """Return runs of a deployment that promises are about; see `repository.state.StateService`."""
        until = state_pb2.TimeRange(until=values.from_time(open_since))
        since = runs.since(over_since)
        ids = [str(deployment_id)]
        if started:
            open_runs = flow_run_pb2.FlowRunFilter(deployment_ids=ids, state_types=_STARTED, started=until)
            over = flow_run_pb2.FlowRunFilter(deployment_ids=ids, ended=since)
        else:
            open_runs = flow_run_pb2.FlowRunFilter(deployment_ids=ids, state_types=_NOT_STARTED, expected_start=until)
            over = flow_run_pb2.FlowRunFilter(deployment_ids=ids, started=since)
        return [*await self._list(workspace_id, open_runs, _PAGE), *await self._list(workspace_id, over, _PAGE)]

    async def _list(
        self,
        workspace_id: uuid.UUID,
        chosen: flow_run_pb2.FlowRunFilter,
        limit: int,
        sort: flow_run_pb2.FlowRunSort.ValueType = flow_run_pb2.FLOW_RUN_SORT_UNSPECIFIED,
    ) -> list[LevelRun]:
        request = flow_run_pb2.ListFlowRunsRequest(filter=chosen, page_size=limit, sort=sort)
        with _acting_for(workspace_id):
            response = await self._flow_runs.ListFlowRuns(request, timeout=CALL_SECONDS)
        return [service_levels.to_run(run) for run in response.flow_runs]

    async def claim(self, workspace_id: uuid.UUID, claim: Claim) -> Claimed:
        """Claim due runs."""
        with _acting_for(workspace_id):
            response = await self._internal.ClaimRuns(runs.from_claim(claim), timeout=CALL_SECONDS)
        return Claimed(
            tuple(runs.to_claimed_run(run) for run in response.runs), values.to_time(response, "next_due_at")
        )

    async def find_claimable(self, workspace_id: uuid.UUID, search: ClaimSearch) -> list[object]:
        """Return runs that could be claimed."""
        with _acting_for(workspace_id):
            response = await self._internal.FindClaimableRuns(runs.from_claim_search(search), timeout=CALL_SECONDS)
        return list(response.flow_runs)

    async def return_runs(self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], reason: str) -> None:
        """Give claimed runs back that nobody took."""
        request = pb.ReturnRunsRequest(attempts=runs.from_attempts(attempts), reason=reason)
        with _acting_for(workspace_id):
            await self._internal.ReturnRuns(request, timeout=CALL_SECONDS)

    async def renew(self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float) -> Renewed:
        """Renew the leases of attempts."""
        request = pb.RenewLeasesRequest(
            attempts=runs.from_attempts(attempts), lease_duration=values.from_seconds(lease_seconds)
        )
        with _acting_for(workspace_id):
            response = await self._internal.RenewLeases(request, timeout=CALL_SECONDS)
        return runs.to_renewed(response)

    async def end_attempts(self, workspace_id: uuid.UUID, ended: Sequence[EndedAttempt]) -> None:
        """Store how attempts ended."""
        request = pb.EndAttemptsRequest(attempts=[runs.from_ended(one) for one in ended])
        with _acting_for(workspace_id):
            await self._internal.EndAttempts(request, timeout=CALL_SECONDS)

    async def drop_runs(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, schedule_id: uuid.UUID | None, *, all_runs: bool
    ) -> int:
        """Drop runs that did not start; return how many."""
        request = pb.DropScheduledRunsRequest(
            deployment_id=str(deployment_id),
            schedule_id=str(schedule_id) if schedule_id is not None else "",
            all_runs=all_runs,
        )
        with _acting_for(workspace_id):
            response = await self._internal.DropScheduledRuns(request, timeout=CALL_SECONDS)
        return response.dropped

    async def next_due(
        self, workspace_id: uuid.UUID, work_pool_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID]
    ) -> datetime.datetime | None:
        """Return when the next run of these places is due, None if nothing waits."""
        request = pb.GetNextDueRequest(
            work_pool_ids=[str(pool_id) for pool_id in work_pool_ids],
            deployment_ids=[str(deployment_id) for deployment_id in deployment_ids],
        )
        with _acting_for(workspace_id):
            response = await self._internal.GetNextDue(request, timeout=CALL_SECONDS)
        return values.to_time(response, "next_due_at")

    async def set_limit(self, workspace_id: uuid.UUID, name: str, limit: int | None) -> None:
        """Set or remove a limit that belongs to a thing."""
        request = pb.SetOwnedLimitsRequest(limits=[pb.OwnedLimit(name=name, limit=limit)])
        with _acting_for(workspace_id):
            await self._internal.SetOwnedLimits(request, timeout=CALL_SECONDS)

    async def describe_run(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> RunFacts:
        """Return all that is known about why a run is where it is."""
        with _acting_for(workspace_id):
            response = await self._internal.DescribeRun(
                pb.DescribeRunRequest(flow_run_id=str(flow_run_id)), timeout=CALL_SECONDS
            )
        return explanations.to_run_facts(response)

    async def move_runs(
        self, workspace_id: uuid.UUID, from_queue_id: uuid.UUID, to_queue_id: uuid.UUID, to_queue_name: str
    ) -> int:
        """Move the runs that wait in a queue into another one of its pool; return how many."""
        request = pb.MoveRunsRequest(
            from_work_queue_id=str(from_queue_id),
            to_work_queue_id=str(to_queue_id),
            to_work_queue_name=to_queue_name,
        )
        with _acting_for(workspace_id):
            response = await self._internal.MoveRuns(request, timeout=CALL_SECONDS)
        return response.moved

    async def count_active(
        self, workspace_id: uuid.UUID, *, work_pool_id: uuid.UUID | None = None, work_queue_id: uuid.UUID | None = None
    ) -> int:
        """Return how many runs of a pool or queue hold a slot of it."""
        chosen = flow_run_pb2.FlowRunFilter(
            state_types=_ACTIVE,
            work_pool_ids=[str(work_pool_id)] if work_pool_id is not None else [],
            work_queue_ids=[str(work_queue_id)] if work_queue_id is not None else [],
        )
        with _acting_for(workspace_id):
            response = await self._flow_runs.CountFlowRuns(
                flow_run_pb2.CountFlowRunsRequest(filter=chosen), timeout=CALL_SECONDS
            )
        return runs.total(response)


def _begin_trace(run: pb.ScheduledRun, flow_name: str) -> None:
    """Let a run that nobody's call triggers begin a trace of its own, if there are traces."""
    if trace_context.LABEL in run.labels.fields:
        return
    known = {
        "headrace.flow_run.id": run.flow_run_id,
        "headrace.deployment.name": run.deployment_name,
        "headrace.scheduled_at": run.scheduled_at.ToJsonString(),
    }
    context = trace_context.noted("", f"schedule {flow_name}", known, links_here=True)
    if context:
        run.labels.fields[trace_context.LABEL].string_value = context


@contextlib.contextmanager
def _acting_for(workspace_id: uuid.UUID) -> Iterator[None]:
    """Make calls for a workspace; turn their failures into errors of ours."""
    token = set_caller(service_caller("scheduler", workspace_id))
    try:
        yield
    except grpc.RpcError as error:
        raise status.from_rpc_error(error) from error
    finally:
        token.var.reset(token)
