"""A client of the concurrency service with the words of tests."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import concurrency_pb2, concurrency_pb2_grpc
from headrace_harness.services import RunningService
from headrace_harness.state import new_id
from headrace_harness.waiting import eventually


class Slots:
    """Calls the concurrency service."""

    def __init__(self, service: RunningService) -> None:
        self.stub = concurrency_pb2_grpc.ConcurrencyServiceStub(service.channel)

    async def set(self, name: str, limit: int, **fields: Any) -> concurrency_pb2.ConcurrencyLimit:
        """Set a limit."""
        request = concurrency_pb2.SetConcurrencyLimitRequest(name=name, limit=limit, **fields)
        return (await self.stub.SetConcurrencyLimit(request)).limit

    async def get(self, name: str) -> concurrency_pb2.ConcurrencyLimit:
        """Return a limit."""
        return (await self.stub.GetConcurrencyLimit(concurrency_pb2.GetConcurrencyLimitRequest(name=name))).limit

    async def acquire(
        self, *names: str, wait: float = 0, lease_id: str = "", slots: int = 1, **fields: Any
    ) -> concurrency_pb2.AcquireSlotsResponse:
        """Ask for slots."""
        request = concurrency_pb2.AcquireSlotsRequest(
            **{
                "lease_id": lease_id or new_id(),
                "names": names,
                "slots": slots,
                "holder_kind": "client",
                "holder_id": "me",
                **fields,
            }
        )
        if wait:
            request.wait_up_to.FromNanoseconds(int(wait * 1e9))
        response: concurrency_pb2.AcquireSlotsResponse = await self.stub.AcquireSlots(request)
        return response

    async def release(self, lease_id: str) -> None:
        """Give slots back."""
        await self.stub.ReleaseSlots(concurrency_pb2.ReleaseSlotsRequest(lease_id=lease_id))

    async def evict(self, name: str, lease_id: str) -> concurrency_pb2.SlotHolder:
        """Take the slots of a limit away from a holder."""
        request = concurrency_pb2.EvictSlotHolderRequest(name=name, lease_id=lease_id)
        return (await self.stub.EvictSlotHolder(request)).evicted

    async def until_waiting(self, name: str, count: int) -> None:
        """Return once so many wait in line."""

        async def stands() -> bool:
            return len((await self.get(name)).waiters) == count

        await eventually(stands)
