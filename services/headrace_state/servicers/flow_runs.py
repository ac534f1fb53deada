"""`FlowRunService`, apart from its streams."""

from __future__ import annotations

import contextlib
import datetime
import functools
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2
from headrace_chassis.caller import Caller, current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.run_rights import require_shaping
from headrace_chassis.telemetry import span_follower
from headrace_state.repository.flow_runs import CreatedFlowRun, FlowRunReads, FlowRuns, Held, Outcome
from headrace_state.repository.pools import Pools
from headrace_state.rules.facts import Proposal
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.rules.rows import Row
from headrace_state.rules.wishes import Wish
from headrace_state.servicers.flow_run_pages import FlowRunPages
from headrace_state.servicers.masks import masked
from headrace_state.servicers.own_runs import OwnRuns, maker
from headrace_state.servicers.watching import Watching
from headrace_state.usecases.batching import Batcher
from headrace_state.usecases.cancel import cancel_flow_run
from headrace_state.usecases.create import create_flow_runs
from headrace_state.usecases.endings import Proposals
from headrace_state.usecases.pausing import pause_flow_run, resume_flow_run
from headrace_state.usecases.propose import Executor
from headrace_state.usecases.retry import RetryScope, retry_flow_run
from headrace_state.wire import creation, filters, flow_runs, states, values

PAYLOADS = "PERMISSION_RUN_PAYLOADS_VIEW"
"""The permission to see parameters and the like."""

Context = grpc.aio.ServicerContext[Any, Any]

_CHANGEABLE = (
    "name",
    "tags",
    "labels",
    "notes",
    "parameters",
    "job_variables",
    "flow_version",
    "infrastructure_id",
    "retry_policy",
)
_SCOPES = {
    flow_run_pb2.RETRY_SCOPE_UNSPECIFIED: RetryScope.UNFINISHED,
    flow_run_pb2.RETRY_SCOPE_UNFINISHED: RetryScope.UNFINISHED,
    flow_run_pb2.RETRY_SCOPE_ALL: RetryScope.ALL,
    flow_run_pb2.RETRY_SCOPE_FROM_TASK: RetryScope.FROM_TASK,
}


class FlowRunServicer(flow_run_pb2_grpc.FlowRunServiceServicer):
    """Keeps flow runs and judges the changes of their states."""

    def __init__(self, runs: FlowRuns, reads: FlowRunReads, watching: Watching, own: OwnRuns, pools: Pools) -> None:
        self._own = own
        self._pools = pools
        self._runs = runs
        self._reads = reads
        self._pages = FlowRunPages(reads)
        self._watching = watching
        self._creations: Batcher[Wish, CreatedFlowRun] = Batcher(
            functools.partial(create_flow_runs, runs), follow=span_follower
        )
        self._proposals = Proposals(runs, follow=span_follower)
        self._loads: Batcher[uuid.UUID, Row | None] = Batcher(self._load_many, follow=span_follower)

    async def CreateFlowRun(
        self, request: flow_run_pb2.CreateFlowRunRequest, context: Context
    ) -> flow_run_pb2.CreateFlowRunResponse:
        """Create one flow run."""
        caller = current_caller()
        require_shaping(caller, request.work_pool_name or request.job_variables.fields)
        place = None
        if request.work_pool_name:
            place = await self._pools.find_place(request.work_pool_name, request.work_queue_name)
        elif request.work_queue_name:
            raise errors.InvalidArgument.of_field("work_queue_name", "needs work_pool_name")
        wish = creation.to_wish(request, *maker(caller), place)
        parent_id = wish.columns["parent_flow_run_id"]
        if parent_id is not None:
            await self._own.require(caller, parent_id)
        created = await self._creations.ask(caller.workspace_id, wish)
        if created.is_new:
            self._own.remember(caller, created.row["flow_run_id"])
        response = flow_run_pb2.CreateFlowRunResponse(flow_run=_message(created.row, caller), created=created.is_new)
        if created.attempt is not None:
            response.attempt.CopyFrom(_attempt(created.row["flow_run_id"], created.attempt))
        return response

    async def GetFlowRun(
        self, request: flow_run_pb2.GetFlowRunRequest, context: Context
    ) -> flow_run_pb2.GetFlowRunResponse:
        """Return one flow run."""
        return flow_run_pb2.GetFlowRunResponse(flow_run=await self._load(request.flow_run_id, current_caller()))

    async def BatchGetFlowRuns(
        self, request: flow_run_pb2.BatchGetFlowRunsRequest, context: Context
    ) -> flow_run_pb2.BatchGetFlowRunsResponse:
        """Return those of the flow runs that exist, in the order asked for."""
        caller = current_caller()
        ids = values.to_ids(request.flow_run_ids, "flow_run_ids")
        rows = await self._reads.load_many(caller.workspace_id, ids)
        return flow_run_pb2.BatchGetFlowRunsResponse(
            flow_runs=[_message(rows[flow_run_id], caller) for flow_run_id in ids if flow_run_id in rows]
        )

    async def ListFlowRuns(
        self, request: flow_run_pb2.ListFlowRunsRequest, context: Context
    ) -> flow_run_pb2.ListFlowRunsResponse:
        """Return a page of flow runs."""
        caller = current_caller()
        order = _order(request.sort)
        page = asked_page(request, caller.workspace_id, request.filter, order)
        chosen = _chosen(request.filter, caller)
        return await self._pages.page(caller.workspace_id, chosen, order, page, with_payloads=caller.may(PAYLOADS))

    async def CountFlowRuns(
        self, request: flow_run_pb2.CountFlowRunsRequest, context: Context
    ) -> flow_run_pb2.CountFlowRunsResponse:
        """Count flow runs by state type, up to a bound."""
        caller = current_caller()
        counts, capped = await self._reads.count(caller.workspace_id, _chosen(request.filter, caller))
        return flow_run_pb2.CountFlowRunsResponse(
            counts=[
                flow_run_pb2.StateCount(type=states.type_number(name), count=counts[name]) for name in sorted(counts)
            ],
            capped=capped,
        )

    async def UpdateFlowRun(
        self, request: flow_run_pb2.UpdateFlowRunRequest, context: Context
    ) -> flow_run_pb2.UpdateFlowRunResponse:
        """Change the named fields of a flow run."""
        caller = current_caller()
        flow_run_id = values.to_id(request.flow_run.flow_run_id, "flow_run.flow_run_id")
        await self._own.require(caller, flow_run_id)
        fields = masked(request.flow_run, request.update_mask, _CHANGEABLE)
        require_shaping(caller, "job_variables" in fields)
        columns, payloads = creation.to_changes(request.flow_run, fields)
        await self._runs.update(caller.workspace_id, flow_run_id, columns, payloads)
        return flow_run_pb2.UpdateFlowRunResponse(flow_run=await self._load(str(flow_run_id), caller))

    async def DeleteFlowRun(
        self, request: flow_run_pb2.DeleteFlowRunRequest, context: Context
    ) -> flow_run_pb2.DeleteFlowRunResponse:
        """Delete a flow run that is final or was never started."""
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._runs.delete(current_caller().workspace_id, flow_run_id)
        return flow_run_pb2.DeleteFlowRunResponse()

    async def ProposeFlowRunState(
        self, request: flow_run_pb2.ProposeFlowRunStateRequest, context: Context
    ) -> flow_run_pb2.ProposeFlowRunStateResponse:
        """Judge a proposed state."""
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        proposal = Proposal(
            states.to_new_state(request.state),
            proposal_id=values.to_optional_id(request.state.state_id, "state.state_id"),
            token=values.to_optional_id(request.attempt_token, "attempt_token"),
            own_token=values.to_optional_id(request.own_token, "own_token"),
            force=request.force,
        )
        caller = current_caller()
        # Tokens of attempts show whose a run is, but those of clients that keep none are made of its id.
        await self._own.require(caller, flow_run_id)
        executor = Executor(infrastructure_id=request.infrastructure_id)
        outcome = await self._proposals.propose(caller.workspace_id, flow_run_id, proposal, executor)
        response = flow_run_pb2.ProposeFlowRunStateResponse(verdict=_verdict(outcome))
        if outcome.attempt is not None:
            response.attempt.CopyFrom(_attempt(flow_run_id, outcome.attempt))
        return response

    async def CancelFlowRun(
        self, request: flow_run_pb2.CancelFlowRunRequest, context: Context
    ) -> flow_run_pb2.CancelFlowRunResponse:
        """Ask a flow run to stop, with its subflows."""
        caller = current_caller()
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._own.require(caller, flow_run_id)
        request_id = values.to_optional_id(request.request_id, "request_id")
        outcome = await cancel_flow_run(self._runs, caller.workspace_id, flow_run_id, request_id, request.reason)
        return flow_run_pb2.CancelFlowRunResponse(
            verdict=_verdict(outcome), flow_run=await self._load(request.flow_run_id, caller)
        )

    async def PauseFlowRun(
        self, request: flow_run_pb2.PauseFlowRunRequest, context: Context
    ) -> flow_run_pb2.PauseFlowRunResponse:
        """Pause a flow run; its process waits."""
        caller = current_caller()
        outcome = await self._pause(request, caller, suspends=False)
        return flow_run_pb2.PauseFlowRunResponse(
            verdict=_verdict(outcome), flow_run=await self._load(request.flow_run_id, caller)
        )

    async def SuspendFlowRun(
        self, request: flow_run_pb2.SuspendFlowRunRequest, context: Context
    ) -> flow_run_pb2.SuspendFlowRunResponse:
        """Suspend a flow run; its process ends."""
        caller = current_caller()
        outcome = await self._pause(request, caller, suspends=True)
        return flow_run_pb2.SuspendFlowRunResponse(
            verdict=_verdict(outcome), flow_run=await self._load(request.flow_run_id, caller)
        )

    async def ResumeFlowRun(
        self, request: flow_run_pb2.ResumeFlowRunRequest, context: Context
    ) -> flow_run_pb2.ResumeFlowRunResponse:
        """Resume a flow run, with what it asked for."""
        caller = current_caller()
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._own.require(caller, flow_run_id)
        outcome = await resume_flow_run(
            self._runs,
            caller.workspace_id,
            flow_run_id,
            values.to_optional_id(request.request_id, "request_id"),
            values.to_object(request.run_input, "run_input") if request.HasField("run_input") else None,
            sender=caller.display_name or str(caller.principal_id),
            reason=request.reason,
        )
        return flow_run_pb2.ResumeFlowRunResponse(
            verdict=_verdict(outcome), flow_run=await self._load(request.flow_run_id, caller)
        )

    async def _pause(
        self,
        request: flow_run_pb2.PauseFlowRunRequest | flow_run_pb2.SuspendFlowRunRequest,
        caller: Caller,
        *,
        suspends: bool,
    ) -> Outcome:
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._own.require(caller, flow_run_id)
        timeout_seconds = None
        if request.HasField("timeout"):
            timeout_seconds = values.to_span(
                request.timeout, "timeout", least=0.0, most=states.MOST_PAUSE_SECONDS, default=0.0
            )
        return await pause_flow_run(
            self._runs,
            caller.workspace_id,
            flow_run_id,
            values.to_optional_id(request.request_id, "request_id"),
            suspends=suspends,
            key=request.key,
            timeout_seconds=timeout_seconds,
            reason=request.reason,
        )

    async def RetryFlowRun(
        self, request: flow_run_pb2.RetryFlowRunRequest, context: Context
    ) -> flow_run_pb2.RetryFlowRunResponse:
        """Schedule a final flow run again."""
        caller = current_caller()
        scope = _SCOPES.get(request.scope)
        if scope is None:
            raise errors.InvalidArgument.of_field("scope", "must be a retry scope")
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        await self._own.require(caller, flow_run_id)
        outcome = await retry_flow_run(
            self._runs,
            caller.workspace_id,
            flow_run_id,
            values.to_optional_id(request.request_id, "request_id"),
            scope,
            values.to_ids(request.task_run_ids, "task_run_ids"),
        )
        return flow_run_pb2.RetryFlowRunResponse(
            verdict=_verdict(outcome), flow_run=await self._load(request.flow_run_id, caller)
        )

    async def ListFlowRunStates(
        self, request: flow_run_pb2.ListFlowRunStatesRequest, context: Context
    ) -> flow_run_pb2.ListFlowRunStatesResponse:
        """Return a page of the states that a flow run went through, oldest first."""
        caller = current_caller()
        await self._load(request.flow_run_id, caller)
        page = asked_page(request, caller.workspace_id, request.flow_run_id)
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        after = page.behind(int, datetime.datetime)
        rows = await self._reads.list_states(caller.workspace_id, flow_run_id, after, page.lookahead)
        shown, token = page.split(rows, lambda row: (row["version"], row["occurred_at"]))
        return flow_run_pb2.ListFlowRunStatesResponse(
            states=[states.from_transition_row(row, with_result=caller.may(PAYLOADS)) for row in shown],
            next_page_token=token,
        )

    async def GetFlowRunState(
        self, request: flow_run_pb2.GetFlowRunStateRequest, context: Context
    ) -> flow_run_pb2.GetFlowRunStateResponse:
        """Return one state that a flow run went through."""
        caller = current_caller()
        state_id = values.to_id(request.state_id, "state_id")
        row = await self._reads.load_state(caller.workspace_id, state_id, of_flow_run=True)
        if row is None:
            raise errors.NotFound(f"there is no state {state_id} of a flow run")
        return flow_run_pb2.GetFlowRunStateResponse(
            state=states.from_transition_row(row, with_result=caller.may(PAYLOADS)), flow_run_id=str(row["run_id"])
        )

    async def WatchFlowRun(
        self, request: flow_run_pb2.WatchFlowRunRequest, context: Context
    ) -> AsyncIterator[flow_run_pb2.WatchFlowRunResponse]:
        """Follow one flow run until it is final."""
        async with contextlib.aclosing(self._watching.watch(request, current_caller())) as responses:
            async for response in responses:
                yield response

    async def FollowFlowRuns(
        self, request: flow_run_pb2.FollowFlowRunsRequest, context: Context
    ) -> AsyncIterator[flow_run_pb2.FollowFlowRunsResponse]:
        """Follow the flow runs that match a filter."""
        caller = current_caller()
        chosen = _chosen(request.filter, caller)
        async with contextlib.aclosing(self._watching.follow(chosen, caller)) as responses:
            async for response in responses:
                yield response

    async def _load(self, flow_run_id: str, caller: Caller) -> flow_run_pb2.FlowRun:
        row = await self._loads.ask(caller.workspace_id, values.to_id(flow_run_id, "flow_run_id"))
        if row is None:
            raise errors.NotFound(f"there is no flow run {flow_run_id}")
        return _message(row, caller)

    async def _load_many(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> list[Row | None]:
        rows = await self._reads.load_many(workspace_id, flow_run_ids)
        return [rows.get(flow_run_id) for flow_run_id in flow_run_ids]


def _message(row: Row, caller: Caller) -> flow_run_pb2.FlowRun:
    return flow_runs.flow_run(row, with_payloads=caller.may(PAYLOADS))


def _chosen(message: flow_run_pb2.FlowRunFilter, caller: Caller) -> FlowRunFilter:
    chosen = filters.to_flow_run_filter(message)
    if chosen.looks_at_parameters:
        # Whoever may not see parameters must not find them out by filters either.
        caller.require(PAYLOADS)
    return chosen


def _order(sort: int) -> str:
    if sort not in flow_run_pb2.FlowRunSort.values():
        raise errors.InvalidArgument.of_field("sort", "must be an order of flow runs")
    name = flow_run_pb2.FlowRunSort.Name(flow_run_pb2.FlowRunSort.ValueType(sort or flow_run_pb2.FLOW_RUN_SORT_ID_DESC))
    return name.removeprefix("FLOW_RUN_SORT_")


def _attempt(flow_run_id: object, held: Held) -> flow_run_pb2.Attempt:
    return flow_runs.attempt(str(flow_run_id), held.number, held.token, held.lease_expires_at, held.lease_seconds)


def _verdict(outcome: Outcome) -> state_pb2.Verdict:
    return states.verdict(outcome.verdict, outcome.state, outcome.code, outcome.reason, outcome.delay_seconds)
