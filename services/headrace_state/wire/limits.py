"""Concurrency limits and slots."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace.api.v1 import concurrency_pb2
from headrace_state.rules.rows import Row
from headrace_state.rules.slots import SlotsAwaited, SlotsHeld, SlotsRefused, SlotWish
from headrace_state.wire import values

LEASE_SECONDS = 60.0
MOST_LEASE_SECONDS = 24 * 3600.0
CALL_AGAIN_SECONDS = 5.0
"""When a waiter has to call again at the latest to keep its place."""


def limit(row: Row, holders: Sequence[Row] = (), waiters: Sequence[Row] = ()) -> concurrency_pb2.ConcurrencyLimit:
    """Return the limit in a row, with who holds and awaits its slots."""
    return concurrency_pb2.ConcurrencyLimit(
        name=row["name"],
        limit=row["slots"],
        active=row["is_active"],
        slot_decay_per_second=row["slot_decay_per_second"],
        active_slots=row["taken"],
        holders=[holder(row) for row in holders],
        waiters=[
            concurrency_pb2.SlotHolder(
                holder_kind=waiter["holder_kind"],
                holder_id=waiter["holder_id"],
                slots=waiter["slots"],
                since=values.from_time(waiter["since"]),
                expires_at=values.from_time(waiter["keep_until"]),
            )
            for waiter in waiters
        ],
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
    )


def holder(row: Row) -> concurrency_pb2.SlotHolder:
    """Return the holder of slots in a row."""
    return concurrency_pb2.SlotHolder(
        lease_id=str(row["lease_id"]),
        holder_kind=row["holder_kind"],
        holder_id=row["holder_id"],
        slots=row["slots"],
        since=values.from_time(row["since"]),
        expires_at=values.from_time(row["expires_at"]),
    )


def to_wish(request: concurrency_pb2.AcquireSlotsRequest, taken_by: uuid.UUID | None) -> SlotWish:
    """Return which slots a request asks for.

    Args:
        request: What is asked.
        taken_by: The flow run that asks, if one does.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return SlotWish(
        lease_id=values.to_id(request.lease_id, "lease_id"),
        names=tuple(sorted(set(request.names))),
        slots=request.slots or 1,
        lease_seconds=lease_seconds(request),
        holder_kind=request.holder_kind or "client",
        holder_id=request.holder_id,
        is_strict=request.strict,
        is_rate=request.rate,
        taken_by=taken_by,
    )


def lease_seconds(request: concurrency_pb2.AcquireSlotsRequest | concurrency_pb2.RenewSlotsRequest) -> float:
    """Return how long a lease is to hold.

    Raises:
        errors.InvalidArgument: It is not between a second and a day.
    """
    return values.to_span(
        request.lease_duration, "lease_duration", least=1.0, most=MOST_LEASE_SECONDS, default=LEASE_SECONDS
    )


def acquired(answer: SlotsHeld | SlotsAwaited | SlotsRefused) -> concurrency_pb2.AcquireSlotsResponse:
    """Return what became of a request for slots."""
    if isinstance(answer, SlotsHeld):
        return concurrency_pb2.AcquireSlotsResponse(
            held=concurrency_pb2.SlotsHeld(
                lease_id=values.from_id(answer.lease_id),
                expires_at=values.from_time(answer.expires_at),
                names=answer.names,
            )
        )
    if isinstance(answer, SlotsRefused):
        return concurrency_pb2.AcquireSlotsResponse(
            refused=concurrency_pb2.SlotsRefused(
                name=answer.name, reason=f"the limit {answer.name} is 0: nothing that needs it may run"
            )
        )
    delay = CALL_AGAIN_SECONDS
    if answer.free_in_seconds is not None:
        delay = min(delay, answer.free_in_seconds)
    return concurrency_pb2.AcquireSlotsResponse(
        wait=concurrency_pb2.SlotsWait(name=answer.name, delay=values.from_seconds(delay), place=answer.place)
    )
