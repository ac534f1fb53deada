"""`ConcurrencyService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import concurrency_pb2, concurrency_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.limits import Limits, Slots
from headrace_state.rules.owned_limits import is_owned
from headrace_state.servicers.own_runs import not_own, only_run
from headrace_state.usecases.slots import acquire_slots
from headrace_state.wire import limits as wire
from headrace_state.wire import values

Context = grpc.aio.ServicerContext[Any, Any]

_EDIT = "PERMISSION_CONCURRENCY_EDIT"
_LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0


class ConcurrencyServicer(concurrency_pb2_grpc.ConcurrencyServiceServicer):
    """Keeps concurrency limits and hands out their slots."""

    def __init__(self, limits: Limits, slots: Slots) -> None:
        self._limits = limits
        self._slots = slots

    async def SetConcurrencyLimit(
        self, request: concurrency_pb2.SetConcurrencyLimitRequest, context: Context
    ) -> concurrency_pb2.SetConcurrencyLimitResponse:
        """Create a limit, or change the one with the name."""
        _refuse_owned(request.name)
        row = await self._limits.set(
            current_caller().workspace_id,
            request.name,
            request.limit,
            request.active if request.HasField("active") else None,
            request.slot_decay_per_second,
        )
        return concurrency_pb2.SetConcurrencyLimitResponse(limit=wire.limit(row))

    async def GetConcurrencyLimit(
        self, request: concurrency_pb2.GetConcurrencyLimitRequest, context: Context
    ) -> concurrency_pb2.GetConcurrencyLimitResponse:
        """Return one limit with its holders."""
        found = await self._limits.load(current_caller().workspace_id, request.name)
        if found is None:
            raise errors.NotFound(f"there is no concurrency limit {request.name}")
        return concurrency_pb2.GetConcurrencyLimitResponse(limit=wire.limit(*found))

    async def ListConcurrencyLimits(
        self, request: concurrency_pb2.ListConcurrencyLimitsRequest, context: Context
    ) -> concurrency_pb2.ListConcurrencyLimitsResponse:
        """List limits by name."""
        workspace_id = current_caller().workspace_id
        page = asked_page(request, workspace_id, request.name_contains, key=(str,))
        rows, key = await self._limits.list_page(workspace_id, request.name_contains, page.after_name, page.size)
        return concurrency_pb2.ListConcurrencyLimitsResponse(
            limits=[wire.limit(row) for row in rows], next_page_token=page.next_token(key)
        )

    async def DeleteConcurrencyLimit(
        self, request: concurrency_pb2.DeleteConcurrencyLimitRequest, context: Context
    ) -> concurrency_pb2.DeleteConcurrencyLimitResponse:
        """Delete a limit; what it held back may run."""
        _refuse_owned(request.name)
        if not await self._limits.delete(current_caller().workspace_id, request.name):
            raise errors.NotFound(f"there is no concurrency limit {request.name}")
        return concurrency_pb2.DeleteConcurrencyLimitResponse()

    async def AcquireSlots(
        self, request: concurrency_pb2.AcquireSlotsRequest, context: Context
    ) -> concurrency_pb2.AcquireSlotsResponse:
        """Take slots of all named limits under one lease, or of none."""
        wait_seconds = values.to_span(
            request.wait_up_to, "wait_up_to", least=0.0, most=_LONGEST_WAIT_SECONDS, default=0.0
        )
        caller = current_caller()
        wish = wire.to_wish(request, caller.run_uuid)
        return wire.acquired(await acquire_slots(self._slots, caller.workspace_id, wish, wait_seconds))

    async def RenewSlots(
        self, request: concurrency_pb2.RenewSlotsRequest, context: Context
    ) -> concurrency_pb2.RenewSlotsResponse:
        """Renew a lease."""
        lease_id = values.to_id(request.lease_id, "lease_id")
        seconds, caller = wire.lease_seconds(request), current_caller()
        expires_at = await self._slots.renew(caller.workspace_id, lease_id, seconds, only_run(caller))
        if expires_at is None:
            raise errors.LeaseLost("the lease was not renewed in time or was released; its slots may be others'")
        return concurrency_pb2.RenewSlotsResponse(expires_at=values.from_time(expires_at))

    async def EvictSlotHolder(
        self, request: concurrency_pb2.EvictSlotHolderRequest, context: Context
    ) -> concurrency_pb2.EvictSlotHolderResponse:
        """Take the slots of a limit away from a holder."""
        lease_id = values.to_id(request.lease_id, "lease_id")
        holder = await self._limits.evict(current_caller().workspace_id, request.name, lease_id)
        if holder is None:
            raise errors.NotFound(f"no slot of {request.name} is held under the lease {request.lease_id}")
        return concurrency_pb2.EvictSlotHolderResponse(evicted=wire.holder(holder))

    async def ReleaseSlots(
        self, request: concurrency_pb2.ReleaseSlotsRequest, context: Context
    ) -> concurrency_pb2.ReleaseSlotsResponse:
        """Give the slots of a lease back."""
        caller = current_caller()
        lease_id = values.to_id(request.lease_id, "lease_id")
        holder = await self._slots.holder_of(caller.workspace_id, lease_id)
        is_attempt = holder is not None and holder.attempt_of is not None
        own = only_run(caller)
        if is_attempt:
            # A flow run that loses its slots goes on running: that is for those who may change limits.
            caller.require(_EDIT)
        elif holder is not None and own is not None and holder.taken_by != own:
            raise not_own()
        await self._slots.release(caller.workspace_id, lease_id, keep_lease=is_attempt, run_id=own)
        return concurrency_pb2.ReleaseSlotsResponse()


def _refuse_owned(name: str) -> None:
    if is_owned(name):
        raise errors.InvalidArgument.of_field(
            "name", "belongs to a work pool, work queue or deployment; change its limit there", reason="OWNED_LIMIT"
        )
