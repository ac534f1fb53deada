"""`StateInternalService`: what the scheduler needs of runs."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace import errors
from headrace.internal.v1 import state_pb2, state_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.resolving import NO_WORKSPACE_ID
from headrace_state.repository.claims import Claims
from headrace_state.repository.descriptions import Descriptions
from headrace_state.repository.flow_runs import FlowRunReads, FlowRuns
from headrace_state.repository.leases import AttemptRef, Leases
from headrace_state.repository.limits import Limits
from headrace_state.rules.owned_limits import OwnedLimit, is_owned
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.usecases.attempts import end_attempts, return_runs
from headrace_state.usecases.cancel import CANCELLATION_SECONDS
from headrace_state.usecases.create import create_flow_runs
from headrace_state.usecases.drop import drop_scheduled_runs
from headrace_state.usecases.propose import ATTEMPT_LEASE_SECONDS
from headrace_state.usecases.renew import renew_attempts
from headrace_state.wire import flow_runs, internal, states, values
from headrace_state.wire.descriptions import from_description

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_LEASE_SECONDS = 24 * 3600.0


class StateInternalServicer(state_pb2_grpc.StateInternalServiceServicer):
    """Runs as the scheduler needs them."""

    def __init__(
        self,
        runs: FlowRuns,
        reads: FlowRunReads,
        descriptions: Descriptions,
        claims: Claims,
        leases: Leases,
        limits: Limits,
        own: OwnRuns,
    ) -> None:
        self._own = own
        self._runs = runs
        self._reads = reads
        self._descriptions = descriptions
        self._claims = claims
        self._leases = leases
        self._limits = limits

    async def CreateScheduledRuns(
        self, request: state_pb2.CreateScheduledRunsRequest, context: Context
    ) -> state_pb2.CreateScheduledRunsResponse:
        """Create scheduled runs in one transaction."""
        if len(request.runs) > internal.MOST_RUNS:
            raise errors.InvalidArgument.of_field("runs", f"must be at most {internal.MOST_RUNS}")
        if not request.runs:
            return state_pb2.CreateScheduledRunsResponse()
        caller = current_caller()
        wishes = [internal.to_wish(run, f"runs[{place}]") for place, run in enumerate(request.runs)]
        if caller.is_run:
            for parent_id in {wish.columns["parent_flow_run_id"] for wish in wishes} - {None}:
                await self._own.require(caller, parent_id)
        created = await create_flow_runs(self._runs, _workspace_id(), wishes)
        return state_pb2.CreateScheduledRunsResponse(
            runs=[
                state_pb2.CreatedRun(flow_run=flow_runs.flow_run(run.row, with_payloads=True), created=run.is_new)
                for run in created
            ]
        )

    async def ClaimRuns(self, request: state_pb2.ClaimRunsRequest, context: Context) -> state_pb2.ClaimRunsResponse:
        """Claim due runs."""
        claimed = await self._claims.claim(
            _workspace_id(),
            internal.to_place(request),
            internal.to_workers(request),
            _lease_seconds(request),
        )
        return state_pb2.ClaimRunsResponse(
            runs=[
                state_pb2.ClaimedRun(
                    flow_run=flow_runs.flow_run(run.row, with_payloads=True),
                    attempt=flow_runs.attempt(
                        str(run.row["flow_run_id"]),
                        run.attempt.number,
                        run.attempt.token,
                        run.attempt.lease_expires_at,
                        run.attempt.lease_seconds,
                    ),
                    worker_id=run.worker_id,
                )
                for run in claimed.runs
            ],
            next_due_at=values.from_time(claimed.next_due_at),
            blocked=claimed.is_blocked,
        )

    async def FindClaimableRuns(
        self, request: state_pb2.FindClaimableRunsRequest, context: Context
    ) -> state_pb2.FindClaimableRunsResponse:
        """Return runs that could be claimed."""
        rows = await self._claims.find(_workspace_id(), internal.to_wanted(request))
        return state_pb2.FindClaimableRunsResponse(
            flow_runs=[flow_runs.flow_run(row, with_payloads=True) for row in rows]
        )

    async def ReturnRuns(self, request: state_pb2.ReturnRunsRequest, context: Context) -> state_pb2.ReturnRunsResponse:
        """Give claimed runs back that nobody took."""
        attempts = [_attempt(attempt, f"attempts[{place}]") for place, attempt in enumerate(request.attempts)]
        returned = await return_runs(self._runs, _workspace_id(), attempts, request.reason)
        return state_pb2.ReturnRunsResponse(returned=returned)

    async def RenewLeases(
        self, request: state_pb2.RenewLeasesRequest, context: Context
    ) -> state_pb2.RenewLeasesResponse:
        """Renew the leases of attempts for the workers that hold them."""
        attempts = [_attempt(attempt, f"attempts[{place}]") for place, attempt in enumerate(request.attempts)]
        seconds = _lease_seconds(request) if request.HasField("lease_duration") else None
        renewed = await renew_attempts(self._leases, _workspace_id(), attempts, seconds)
        return state_pb2.RenewLeasesResponse(
            lease_expires_at=values.from_time(renewed.expires_at),
            flow_run_ids=[str(renewal.attempt.flow_run_id) for renewal in renewed.held],
            lost=[
                state_pb2.LostRun(
                    flow_run_id=str(renewal.attempt.flow_run_id),
                    state=states.from_state(renewal.state) if renewal.state is not None else None,
                )
                for renewal in (*renewed.lost, *renewed.ended)
            ],
            cancelling_flow_run_ids=[str(flow_run_id) for flow_run_id, _ in renewed.to_stop],
        )

    async def EndAttempts(
        self, request: state_pb2.EndAttemptsRequest, context: Context
    ) -> state_pb2.EndAttemptsResponse:
        """Store how attempts ended in the eyes of their workers."""
        ends = []
        for place, end in enumerate(request.attempts):
            field = f"attempts[{place}]"
            proposal_id = values.to_optional_id(end.state.state_id, f"{field}.state.state_id")
            ends.append((_attempt(end.attempt, field), states.to_new_state(end.state, f"{field}.state"), proposal_id))
        found = await end_attempts(self._runs, self._limits, _workspace_id(), ends)
        return state_pb2.EndAttemptsResponse(
            runs=[
                state_pb2.LostRun(
                    flow_run_id=str(flow_run_id), state=states.from_state(state) if state is not None else None
                )
                for flow_run_id, state in found
            ]
        )

    async def DropScheduledRuns(
        self, request: state_pb2.DropScheduledRunsRequest, context: Context
    ) -> state_pb2.DropScheduledRunsResponse:
        """Delete or cancel runs of a deployment or schedule that did not start."""
        dropped = await drop_scheduled_runs(
            self._runs,
            self._claims,
            _workspace_id(),
            values.to_id(request.deployment_id, "deployment_id"),
            request.schedule_id or None,
            all_runs=request.all_runs,
        )
        return state_pb2.DropScheduledRunsResponse(dropped=dropped)

    async def GetNextDue(self, request: state_pb2.GetNextDueRequest, context: Context) -> state_pb2.GetNextDueResponse:
        """Tell when the next run is due."""
        next_due_at = await self._claims.next_due_at(
            _workspace_id(),
            values.to_ids(request.work_pool_ids, "work_pool_ids"),
            values.to_ids(request.deployment_ids, "deployment_ids"),
        )
        return state_pb2.GetNextDueResponse(next_due_at=values.from_time(next_due_at))

    async def SetOwnedLimits(
        self, request: state_pb2.SetOwnedLimitsRequest, context: Context
    ) -> state_pb2.SetOwnedLimitsResponse:
        """Set or remove the limits that belong to pools, queues and deployments."""
        owned = []
        for place, limit in enumerate(request.limits):
            if not is_owned(limit.name):
                raise errors.InvalidArgument.of_field(f"limits[{place}].name", "must name a pool, queue or deployment")
            if limit.HasField("limit") and limit.limit < 0:
                raise errors.InvalidArgument.of_field(f"limits[{place}].limit", "must not be negative")
            owned.append(OwnedLimit(limit.name, limit.limit if limit.HasField("limit") else None))
        await self._limits.set_owned(_workspace_id(), owned)
        return state_pb2.SetOwnedLimitsResponse()

    async def DescribeRun(
        self, request: state_pb2.DescribeRunRequest, context: Context
    ) -> state_pb2.DescribeRunResponse:
        """Tell all that is known about why a run is where it is."""
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        row = await self._reads.load(_workspace_id(), flow_run_id)
        known = await self._descriptions.describe(_workspace_id(), flow_run_id)
        if row is None or known is None:
            raise errors.NotFound(f"there is no flow run {flow_run_id}", reason="FLOW_RUN_NOT_FOUND")
        return from_description(row, known, CANCELLATION_SECONDS)

    async def MoveRuns(self, request: state_pb2.MoveRunsRequest, context: Context) -> state_pb2.MoveRunsResponse:
        """Move runs that wait in a queue into another one of the same pool."""
        moved = await self._claims.move(
            _workspace_id(),
            values.to_id(request.from_work_queue_id, "from_work_queue_id"),
            values.to_id(request.to_work_queue_id, "to_work_queue_id"),
            request.to_work_queue_name,
        )
        return state_pb2.MoveRunsResponse(moved=moved)

    async def GetAttempt(self, request: state_pb2.GetAttemptRequest, context: Context) -> state_pb2.GetAttemptResponse:
        """Tell how an attempt of a run stands."""
        wanted = _attempt(request.attempt, "attempt")
        row = await self._reads.load(_workspace_id(), wanted.flow_run_id)
        if row is None or row["attempt_token"] != wanted.token:
            return state_pb2.GetAttemptResponse()
        return state_pb2.GetAttemptResponse(is_current=True, ended_at=values.from_time(row["ended_at"]))


def _workspace_id() -> uuid.UUID:
    workspace_id = current_caller().workspace_id
    if workspace_id == NO_WORKSPACE_ID:
        raise errors.InvalidArgument("the call is made on behalf of no workspace", reason="NO_WORKSPACE")
    return workspace_id


def _attempt(attempt: state_pb2.AttemptRef, field: str) -> AttemptRef:
    return AttemptRef(
        values.to_id(attempt.flow_run_id, f"{field}.flow_run_id"), values.to_id(attempt.token, f"{field}.token")
    )


def _lease_seconds(request: state_pb2.ClaimRunsRequest | state_pb2.RenewLeasesRequest) -> float:
    return values.to_span(
        request.lease_duration,
        "lease_duration",
        least=1.0,
        most=_MOST_LEASE_SECONDS,
        default=ATTEMPT_LEASE_SECONDS,
    )
