"""`BackfillService`."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace.api.v1 import backfill_pb2 as pb
from headrace.api.v1 import backfill_pb2_grpc as pb_grpc
from headrace_chassis.pages import asked_page
from headrace_scheduler.rules.backfill import Status
from headrace_scheduler.servicers.calls import actor
from headrace_scheduler.usecases import backfills as usecase
from headrace_scheduler.usecases.backfills import Range, WantedBackfill
from headrace_scheduler.usecases.workbench import Workbench, refusing
from headrace_scheduler.wire import backfills as wire
from headrace_scheduler.wire import values

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_SHOWN = 1_000
"""Runs in the answer to a dry run."""


class BackfillServicer(pb_grpc.BackfillServiceServicer):
    """Makes runs of a deployment for many times or parameters."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def CreateBackfill(self, request: pb.CreateBackfillRequest, context: Context) -> pb.CreateBackfillResponse:
        """Create a backfill, or only tell what it would run."""
        wanted = WantedBackfill(
            deployment_id=values.to_id(request.deployment_id, "deployment_id"),
            backfill_id=values.to_optional_id(request.backfill_id, "backfill_id"),
            version_id=values.to_optional_id(request.deployment_version_id, "deployment_version_id"),
            name=request.name,
            range=_range(request.range) if request.HasField("range") else None,
            matrix=values.to_object(request.matrix, "matrix"),
            parameters=values.to_object(request.parameters, "parameters"),
            order=wire.to_order(request.order),
            concurrency=request.concurrency,
        )
        if not request.dry_run:
            created = await usecase.create_backfill(self._bench, actor(), wanted)
            return pb.CreateBackfillResponse(backfill=wire.from_backfill(created))
        planned, items = await usecase.plan_backfill(self._bench, actor(), wanted)
        message = wire.from_backfill(planned)
        message.ClearField("backfill_id")
        return pb.CreateBackfillResponse(backfill=message, runs=[wire.from_item(item) for item in items[:_MOST_SHOWN]])

    async def GetBackfill(self, request: pb.GetBackfillRequest, context: Context) -> pb.GetBackfillResponse:
        """Return one backfill with its progress."""
        found = await usecase.load_backfill(self._bench, actor(), _id(request.backfill_id))
        return pb.GetBackfillResponse(backfill=wire.from_backfill(found))

    async def ListBackfills(self, request: pb.ListBackfillsRequest, context: Context) -> pb.ListBackfillsResponse:
        """List backfills, newest first."""
        workspace_id = actor().workspace_id
        deployment_id = values.to_optional_id(request.deployment_id, "deployment_id")
        statuses: list[Status] = [status for one in request.statuses if (status := wire.to_status(one)) is not None]
        page = asked_page(request, workspace_id, request.deployment_id, ",".join(sorted(statuses)))
        [before] = page.behind(uuid.UUID) or (None,)
        found = await self._bench.store.read(
            lambda unit: unit.backfills.list_page(workspace_id, deployment_id, statuses, before, page.lookahead)
        )
        shown, token = page.split(found, lambda one: (one.backfill_id,))
        return pb.ListBackfillsResponse(backfills=[wire.from_backfill(one) for one in shown], next_page_token=token)

    async def ListBackfillRuns(
        self, request: pb.ListBackfillRunsRequest, context: Context
    ) -> pb.ListBackfillRunsResponse:
        """List the runs of a backfill in their order."""
        backfill_id = _id(request.backfill_id)
        await usecase.load_backfill(self._bench, actor(), backfill_id)
        page = asked_page(request, actor().workspace_id, request.backfill_id)
        [after] = page.behind(int) or (0,)
        found = await self._bench.store.read(lambda unit: unit.backfills.list_items(backfill_id, after, page.lookahead))
        shown, token = page.split(found, lambda item: (item.number,))
        return pb.ListBackfillRunsResponse(runs=[wire.from_item(item) for item in shown], next_page_token=token)

    async def PauseBackfill(self, request: pb.PauseBackfillRequest, context: Context) -> pb.PauseBackfillResponse:
        """Make no further runs."""
        changed = await usecase.pause_backfill(self._bench, actor(), _id(request.backfill_id))
        return pb.PauseBackfillResponse(backfill=wire.from_backfill(changed))

    async def ResumeBackfill(self, request: pb.ResumeBackfillRequest, context: Context) -> pb.ResumeBackfillResponse:
        """Let a paused backfill go on."""
        changed = await usecase.resume_backfill(self._bench, actor(), _id(request.backfill_id))
        return pb.ResumeBackfillResponse(backfill=wire.from_backfill(changed))

    async def CancelBackfill(self, request: pb.CancelBackfillRequest, context: Context) -> pb.CancelBackfillResponse:
        """Make no further runs and cancel those that are made."""
        changed = await usecase.cancel_backfill(self._bench, actor(), _id(request.backfill_id))
        return pb.CancelBackfillResponse(backfill=wire.from_backfill(changed))

    async def RetryBackfill(self, request: pb.RetryBackfillRequest, context: Context) -> pb.RetryBackfillResponse:
        """Make runs again of those that did not complete."""
        changed, runs = await usecase.retry_backfill(self._bench, actor(), _id(request.backfill_id))
        return pb.RetryBackfillResponse(backfill=wire.from_backfill(changed), runs=runs)


def _id(text: str) -> uuid.UUID:
    return values.to_id(text, "backfill_id")


def _range(message: pb.BackfillRange) -> Range:
    start, until = values.to_time(message, "from"), values.to_time(message, "until")
    assert start is not None, "validation has asked for it"
    assert until is not None, "validation has asked for it"
    with refusing("range"):
        rule = wire.to_rule(message)
    return Range(start, until, message.schedule_slug, rule, message.slot_parameter)
