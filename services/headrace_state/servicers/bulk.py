"""`BulkOperationService`."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import bulk_operation_pb2, bulk_operation_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.caller import Caller, current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.notify import Pace, Wakeups
from headrace_chassis.pages import asked_page
from headrace_state.repository.bulk import CHANNEL, BulkOperations, NewBulkOperation
from headrace_state.repository.flow_runs import FlowRunReads
from headrace_state.rules.bulk import BulkKind
from headrace_state.rules.rows import Row
from headrace_state.servicers.own_runs import maker
from headrace_state.wire import bulk, creation, filters, values

PAYLOADS = "PERMISSION_RUN_PAYLOADS_VIEW"
DELETE = "PERMISSION_RUNS_DELETE"

POLL_SECONDS = 1.0
"""How often a stream looks by itself, beside being woken; also its sign of life."""

Context = grpc.aio.ServicerContext[Any, Any]


class BulkOperationServicer(bulk_operation_pb2_grpc.BulkOperationServiceServicer):
    """Changes many flow runs in the background.

    Args:
        operations: Where operations are kept.
        reads: Counts what matches.
        wake: Tells whoever carries operations on that there is one.
        wakeups: Tell when one came further.
    """

    def __init__(
        self, operations: BulkOperations, reads: FlowRunReads, wake: Callable[[], None], wakeups: Wakeups
    ) -> None:
        self._operations = operations
        self._reads = reads
        self._wake = wake
        self._wakeups = wakeups

    async def CreateBulkOperation(
        self, request: bulk_operation_pb2.CreateBulkOperationRequest, context: Context
    ) -> bulk_operation_pb2.CreateBulkOperationResponse:
        """Start an operation, or count what it would be about."""
        caller = current_caller()
        action = bulk.to_action(request.action)
        if action.kind is BulkKind.DELETE:
            caller.require(DELETE)
        chosen = filters.to_flow_run_filter(request.filter)
        if chosen.looks_at_parameters:
            caller.require(PAYLOADS)
        if not request.filter.ListFields() and not request.all_runs:
            raise errors.InvalidArgument.of_field("filter", "is empty; set all_runs to mean all runs of the workspace")
        counts, is_capped = await self._reads.count(caller.workspace_id, chosen)
        creator = creation.creator_of(*maker(caller))
        new = NewBulkOperation(
            values.to_optional_id(request.bulk_operation_id, "bulk_operation_id") or uuid7(),
            action,
            bulk.filter_to_json(request.filter),
            sum(counts.values()),
            is_capped,
            creator,
        )
        if request.dry_run:
            found = bulk_operation_pb2.BulkOperation(
                action=request.action,
                filter=request.filter,
                run_count=new.run_count,
                run_count_capped=is_capped,
                created_at=values.from_time(datetime.datetime.now(datetime.UTC)),
            )
            return bulk_operation_pb2.CreateBulkOperationResponse(bulk_operation=found)
        row = await self._operations.create(caller.workspace_id, new)
        self._wake()
        return bulk_operation_pb2.CreateBulkOperationResponse(
            bulk_operation=bulk.bulk_operation(row, with_payloads=caller.may(PAYLOADS))
        )

    async def GetBulkOperation(
        self, request: bulk_operation_pb2.GetBulkOperationRequest, context: Context
    ) -> bulk_operation_pb2.GetBulkOperationResponse:
        """Return one operation."""
        caller = current_caller()
        row = await self._load(caller, values.to_id(request.bulk_operation_id, "bulk_operation_id"))
        return bulk_operation_pb2.GetBulkOperationResponse(
            bulk_operation=bulk.bulk_operation(row, with_payloads=caller.may(PAYLOADS))
        )

    async def WatchBulkOperation(
        self, request: bulk_operation_pb2.WatchBulkOperationRequest, context: Context
    ) -> AsyncGenerator[bulk_operation_pb2.WatchBulkOperationResponse, None]:
        """Send an operation whenever it came further, until it has ended."""
        caller = current_caller()
        bulk_operation_id = values.to_id(request.bulk_operation_id, "bulk_operation_id")
        draining = current_draining()
        pace = Pace()
        told: Row | None = None
        # It is subscribed to before it is read, so nothing is missed in between.
        async with self._wakeups.subscribe(CHANNEL) as wakeup:
            while not draining.is_set():
                await pace.wait()
                row = await self._load(caller, bulk_operation_id)
                response = bulk_operation_pb2.WatchBulkOperationResponse()
                if told is None or row["updated_at"] != told["updated_at"]:
                    told = row
                    message = bulk.bulk_operation(row, with_payloads=caller.may(PAYLOADS))
                    response.bulk_operation.CopyFrom(message)
                yield response
                if row["ended_at"] is not None:
                    return
                await wakeup.wait(POLL_SECONDS)
        raise errors.Unavailable("the server is stopping; watch again", reason="DRAINING")

    async def ListBulkOperations(
        self, request: bulk_operation_pb2.ListBulkOperationsRequest, context: Context
    ) -> bulk_operation_pb2.ListBulkOperationsResponse:
        """Return a page of operations, newest first."""
        caller = current_caller()
        statuses = bulk.to_statuses(request.statuses)
        page = asked_page(request, caller.workspace_id, ",".join(statuses))
        rows, key = await self._operations.list_page(caller.workspace_id, statuses, page.after, page.size)
        return bulk_operation_pb2.ListBulkOperationsResponse(
            bulk_operations=[bulk.bulk_operation(row, with_payloads=caller.may(PAYLOADS)) for row in rows],
            next_page_token=page.next_token(key),
        )

    async def CancelBulkOperation(
        self, request: bulk_operation_pb2.CancelBulkOperationRequest, context: Context
    ) -> bulk_operation_pb2.CancelBulkOperationResponse:
        """Stop an operation."""
        caller = current_caller()
        bulk_operation_id = values.to_id(request.bulk_operation_id, "bulk_operation_id")
        row = await self._operations.cancel(caller.workspace_id, bulk_operation_id)
        if row is None:
            raise _not_found(bulk_operation_id)
        return bulk_operation_pb2.CancelBulkOperationResponse(
            bulk_operation=bulk.bulk_operation(row, with_payloads=caller.may(PAYLOADS))
        )

    async def _load(self, caller: Caller, bulk_operation_id: uuid.UUID) -> Row:
        row = await self._operations.load(caller.workspace_id, bulk_operation_id)
        if row is None:
            raise _not_found(bulk_operation_id)
        return row


def _not_found(bulk_operation_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"there is no bulk operation {bulk_operation_id}")
