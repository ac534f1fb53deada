"""`/v2/concurrency_limits`: limits by name, and their slots."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import concurrency_pb2
from headrace.ids import uuid7
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import (
    Field,
    Wrong,
    at_least,
    boolean,
    identifier,
    integer,
    list_of,
    name,
    nested,
    number,
    one_of,
    string,
)
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.routing import canonical, is_id
from headrace_prefect.shapes import limits as shapes
from headrace_prefect.shapes import scalars

LONGEST_LEASE_SECONDS = 24 * 3600.0
"""Of slots that are taken without a lease, too: who never gives them back loses them by then."""
WITHOUT_LEASE = "prefect-slots"
"""The holder of slots that are taken without a lease."""

_RETRY_SECONDS = 0.25
_MOST_RETRY_SECONDS = 10.0
_SHORTEST_LEASE_SECONDS = 60.0
_OWNED = ("work-pool:", "work-queue:")


def _positive(value: Any) -> int:
    count = integer(value)
    if count <= 0:
        raise Wrong("Input should be greater than 0", "greater_than")
    return count


def _names(value: Any) -> list[str]:
    names = list_of(string)(value)
    if not names:
        raise Wrong("List should have at least 1 item after validation, not 0", "too_short")
    return list(dict.fromkeys(names))


def _lease_seconds(value: Any) -> float:
    span = number(value)
    if span < _SHORTEST_LEASE_SECONDS:
        raise Wrong("Input should be greater than or equal to 60", "greater_than_equal")
    if span > LONGEST_LEASE_SECONDS:
        raise Wrong("Input should be less than or equal to 86400", "less_than_equal")
    return span


def _decay(value: Any) -> float:
    decay = number(value)
    if decay < 0:
        raise Wrong("Input should be greater than or equal to 0", "greater_than_equal")
    return decay


_CREATE = {
    "active": Field(boolean, default=True),
    "name": Field(name, required=True),
    "limit": Field(at_least(0), required=True),
    "slot_decay_per_second": Field(_decay, default=0.0),
}
_UPDATE = {
    "active": Field(boolean),
    "name": Field(name),
    "limit": Field(at_least(0)),
    "active_slots": Field(at_least(0)),
    "slot_decay_per_second": Field(_decay),
}
_HOLDER = nested(
    {
        "type": Field(one_of(("flow_run", "task_run", "deployment")), required=True),
        "id": Field(identifier, required=True),
    }
)
_MODES = ("concurrency", "rate_limit")
_TAKE = {
    "slots": Field(_positive, required=True),
    "names": Field(_names, required=True),
    "mode": Field(one_of(_MODES), default="concurrency"),
}
_LEASE = {"lease_duration": Field(_lease_seconds, default=300.0)}
_GIVE = {"slots": Field(_positive, required=True), "names": Field(_names, required=True)}


async def create_concurrency_limit(request: Request) -> Answer:
    """Create a limit."""
    body = request.body(_CREATE)
    if await find(request, body["name"]) is not None:
        raise Refusal(409, f"A concurrency limit with the name {body['name']!r} already exists.")
    answer = await request.call(
        request.services.concurrency.SetConcurrencyLimit,
        concurrency_pb2.SetConcurrencyLimitRequest(
            name=body["name"],
            limit=body["limit"],
            active=body["active"],
            slot_decay_per_second=body["slot_decay_per_second"],
        ),
    )
    return made(shapes.shape(answer.limit))


async def read_concurrency_limit(request: Request) -> Answer:
    """Return a limit."""
    return ok(shapes.shape(await _chosen(request)))


async def read_all_concurrency_limits(request: Request) -> Answer:
    """Return limits by name."""
    body = request.body({"limit": Field(integer), "offset": Field(at_least(0), default=0)})
    found = await lists.window(
        request,
        request.services.concurrency.ListConcurrencyLimits,
        concurrency_pb2.ListConcurrencyLimitsRequest(),
        "limits",
        offset=body["offset"],
        limit=request.limit(body),
        keep=lambda limit: not limit.name.startswith(_OWNED),
    )
    return ok([shapes.shape(limit) for limit in found])


async def update_concurrency_limit(request: Request) -> Answer:
    """Change a limit; a name that it had before is free then."""
    body = request.body(_UPDATE)
    before = await _chosen(request)
    decay = body["slot_decay_per_second"]
    after = concurrency_pb2.SetConcurrencyLimitRequest(
        name=body["name"] or before.name,
        limit=before.limit if body["limit"] is None else body["limit"],
        active=before.active if body["active"] is None else body["active"],
        slot_decay_per_second=before.slot_decay_per_second if decay is None else decay,
    )
    is_renamed = after.name != before.name
    if is_renamed and await find(request, after.name) is not None:
        raise Refusal(409, f"A concurrency limit with the name {after.name!r} already exists.")
    await request.call(request.services.concurrency.SetConcurrencyLimit, after)
    if is_renamed:
        await delete(request, before.name)
    elif body["active_slots"] is not None:
        await _evict_down_to(request, before, body["active_slots"])
    return no_content()


async def delete_concurrency_limit(request: Request) -> Answer:
    """Delete a limit."""
    await delete(request, (await _chosen(request)).name)
    return no_content()


async def increment_slots(request: Request) -> Answer:
    """Take slots without a lease: they come back with `decrement`, and after a day in any case."""
    body = request.body(_TAKE)
    _, limits = await take(
        request,
        body["names"],
        body["slots"],
        is_rate=body["mode"] == "rate_limit",
        seconds=LONGEST_LEASE_SECONDS,
        holder_id=WITHOUT_LEASE,
    )
    return ok([shapes.minimal(limit) for limit in limits])


async def increment_slots_with_lease(request: Request) -> Answer:
    """Take slots under a lease."""
    body = request.body({**_TAKE, **_LEASE, "holder": Field(_HOLDER)})
    holder = body["holder"]
    lease_id, limits = await take(
        request,
        body["names"],
        body["slots"],
        is_rate=body["mode"] == "rate_limit",
        seconds=body["lease_duration"],
        holder_kind=holder["type"].replace("_", "-") if holder is not None else "client",
        holder_id=holder["id"] if holder is not None else "",
    )
    return ok({"lease_id": lease_id, "limits": [shapes.minimal(limit) for limit in limits]})


async def decrement_slots(request: Request) -> Answer:
    """Give slots back that were taken without a lease."""
    body = request.body(_GIVE)
    found = await load_some(request, body["names"])
    left = body["slots"]
    given: set[str] = set()
    for limit in found:
        for holder in limit.holders:
            if holder.holder_id != WITHOUT_LEASE or holder.lease_id in given or holder.slots > left:
                continue
            await release(request, holder.lease_id)
            given.add(holder.lease_id)
            left -= holder.slots
    return ok([shapes.minimal(limit) for limit in found])


async def decrement_slots_with_lease(request: Request) -> Answer:
    """Give the slots of a lease back."""
    await release(request, request.body({"lease_id": Field(identifier, required=True)})["lease_id"])
    return no_content()


async def renew_concurrency_lease(request: Request) -> Answer:
    """Renew a lease."""
    if not is_id(request.path["lease_id"]):
        raise Refusal(422, "Invalid lease id: must be a UUID.")
    seconds = request.body(_LEASE)["lease_duration"]
    try:
        await request.call(
            request.services.concurrency.RenewSlots,
            concurrency_pb2.RenewSlotsRequest(
                lease_id=request.path["lease_id"], lease_duration=scalars.to_duration(seconds)
            ),
        )
    except (errors.LeaseLost, errors.NotFound):
        raise Refusal(410, "Lease not found - it may have expired or been revoked") from None
    return no_content()


async def take(
    request: Request,
    names: Sequence[str],
    slots: int,
    *,
    is_rate: bool = False,
    seconds: float,
    holder_kind: str = "client",
    holder_id: str = "",
) -> tuple[str, list[concurrency_pb2.ConcurrencyLimit]]:
    """Take slots of all limits under one lease; return it with the limits that there are.

    Raises:
        Refusal: They are not free (423, with the time to come again), or there are never so many (422).
    """
    lease_id = str(uuid7())
    answer = await request.call(
        request.services.concurrency.AcquireSlots,
        concurrency_pb2.AcquireSlotsRequest(
            lease_id=lease_id,
            names=names,
            slots=slots,
            lease_duration=scalars.to_duration(seconds),
            holder_kind=holder_kind,
            holder_id=holder_id,
            rate=is_rate,
        ),
    )
    verdict = answer.WhichOneof("verdict")
    if verdict == "wait":
        raise locked(answer.wait)
    if verdict == "refused":
        raise Refusal(422, f"Slots requested is greater than the limit: {answer.refused.reason}")
    if not answer.held.names:
        return lease_id, []
    return answer.held.lease_id or lease_id, await load_some(request, answer.held.names)


def locked(wait: concurrency_pb2.SlotsWait) -> Refusal:
    """Return the refusal of slots that are not free, with the time to come again."""
    # The client sleeps as long as it is told, so this decides how soon a free slot is taken; the more stand before
    # it, the less it is worth to come soon. With jitter, so that not all of them come at once.
    delay = wait.delay.seconds + wait.delay.nanos / 1e9
    pause = min(delay or _MOST_RETRY_SECONDS, _RETRY_SECONDS * max(1, wait.place), _MOST_RETRY_SECONDS)
    pause *= 0.5 + random.random()
    header = (b"retry-after", f"{max(0.01, pause):.3f}".encode())
    return Refusal(423, f"The concurrency limit {wait.name} has no free slots.", (header,))


async def find(request: Request, name: str) -> concurrency_pb2.ConcurrencyLimit | None:
    """Return a limit with its holders, None if there is none."""
    try:
        answer = await request.call(
            request.services.concurrency.GetConcurrencyLimit, concurrency_pb2.GetConcurrencyLimitRequest(name=name)
        )
    except errors.NotFound:
        return None
    return answer.limit


async def find_by_id(request: Request, limit_id: str) -> concurrency_pb2.ConcurrencyLimit | None:
    """Return the limit whose name makes an id, None if there is none."""
    walk = lists.walk(
        request,
        request.services.concurrency.ListConcurrencyLimits,
        concurrency_pb2.ListConcurrencyLimitsRequest(),
        "limits",
    )
    async for limit in walk:
        if shapes.limit_id(limit.name) == limit_id:
            return await find(request, limit.name)
    return None


async def load_some(request: Request, names: Sequence[str]) -> list[concurrency_pb2.ConcurrencyLimit]:
    """Return those of some limits that there are, with their holders."""
    found = await asyncio.gather(*(find(request, name) for name in names))
    return [limit for limit in found if limit is not None]


async def release(request: Request, lease_id: str) -> None:
    """Give the slots of a lease back; one that is gone has none."""
    await request.call(
        request.services.concurrency.ReleaseSlots, concurrency_pb2.ReleaseSlotsRequest(lease_id=lease_id)
    )


async def delete(request: Request, name: str) -> None:
    """Delete a limit."""
    await request.call(
        request.services.concurrency.DeleteConcurrencyLimit, concurrency_pb2.DeleteConcurrencyLimitRequest(name=name)
    )


async def _chosen(request: Request) -> concurrency_pb2.ConcurrencyLimit:
    chosen = request.path["id_or_name"]
    found = await find_by_id(request, canonical(chosen)) if is_id(chosen) else await find(request, chosen)
    if found is None:
        raise not_found("Concurrency Limit")
    return found


async def _evict_down_to(request: Request, limit: concurrency_pb2.ConcurrencyLimit, slots: int) -> None:
    taken = limit.active_slots
    for holder in reversed(limit.holders):
        if taken <= slots:
            return
        await request.call(
            request.services.concurrency.EvictSlotHolder,
            concurrency_pb2.EvictSlotHolderRequest(name=limit.name, lease_id=str(uuid.UUID(holder.lease_id))),
        )
        taken -= holder.slots


ROUTES = (
    Route("POST", "/v2/concurrency_limits/", create_concurrency_limit),
    Route("POST", "/v2/concurrency_limits/filter", read_all_concurrency_limits),
    Route("POST", "/v2/concurrency_limits/increment", increment_slots),
    Route("POST", "/v2/concurrency_limits/increment-with-lease", increment_slots_with_lease),
    Route("POST", "/v2/concurrency_limits/decrement", decrement_slots),
    Route("POST", "/v2/concurrency_limits/decrement-with-lease", decrement_slots_with_lease),
    Route("POST", "/v2/concurrency_limits/leases/{lease_id}/renew", renew_concurrency_lease),
    Route("GET", "/v2/concurrency_limits/{id_or_name}", read_concurrency_limit),
    Route("PATCH", "/v2/concurrency_limits/{id_or_name}", update_concurrency_limit),
    Route("DELETE", "/v2/concurrency_limits/{id_or_name}", delete_concurrency_limit),
)
