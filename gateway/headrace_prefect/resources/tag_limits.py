"""`/concurrency_limits`: limits of tasks with a tag, as older clients know them.

They are limits called `tag:<tag>` whose slots task runs hold.
"""

from __future__ import annotations

from headrace.api.v1 import concurrency_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, made, not_found, ok
from headrace_prefect.bodies.fields import Field, at_least, identifier, identifiers, integer, string, strings
from headrace_prefect.request import Request
from headrace_prefect.resources import limits
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import limits as shapes

_CREATE = {"tag": Field(string, required=True), "concurrency_limit": Field(at_least(0), required=True)}
_SLOT = {"names": Field(strings, required=True), "task_run_id": Field(identifier, required=True)}


async def create_tag_limit(request: Request) -> Answer:
    """Create a limit of a tag, or change it."""
    body = request.body(_CREATE)
    before = await limits.find(request, shapes.TAG + body["tag"])
    answer = await request.call(
        request.services.concurrency.SetConcurrencyLimit,
        concurrency_pb2.SetConcurrencyLimitRequest(
            name=shapes.TAG + body["tag"], limit=body["concurrency_limit"], active=True
        ),
    )
    return made(shapes.of_tag(answer.limit), is_new=before is None)


async def read_tag_limit(request: Request) -> Answer:
    """Return a limit by its id."""
    return ok(shapes.of_tag(await _by_id(request)))


async def read_tag_limit_by_tag(request: Request) -> Answer:
    """Return the limit of a tag."""
    return ok(shapes.of_tag(await _by_tag(request)))


async def read_tag_limits(request: Request) -> Answer:
    """Return limits of tags."""
    body = request.body({"limit": Field(integer), "offset": Field(at_least(0), default=0)})
    found = await lists.window(
        request,
        request.services.concurrency.ListConcurrencyLimits,
        concurrency_pb2.ListConcurrencyLimitsRequest(name_contains=shapes.TAG),
        "limits",
        offset=body["offset"],
        limit=request.limit(body),
        keep=lambda limit: limit.name.startswith(shapes.TAG),
    )
    whole = await limits.load_some(request, [limit.name for limit in found])
    return ok([shapes.of_tag(limit) for limit in whole])


async def reset_tag_limit(request: Request) -> Answer:
    """Take the slots of a tag from all who hold them, and give them to the task runs that are named."""
    body = request.body({"slot_override": Field(identifiers, default=list)})
    limit = await _by_tag(request)
    for holder in limit.holders:
        await request.call(
            request.services.concurrency.EvictSlotHolder,
            concurrency_pb2.EvictSlotHolderRequest(name=limit.name, lease_id=holder.lease_id),
        )
    for task_run_id in dict.fromkeys(body["slot_override"]):
        await _take(request, [limit.name], task_run_id)
    return ok(None)


async def delete_tag_limit(request: Request) -> Answer:
    """Delete a limit by its id."""
    await limits.delete(request, (await _by_id(request)).name)
    return ok(None)


async def delete_tag_limit_by_tag(request: Request) -> Answer:
    """Delete the limit of a tag."""
    await limits.delete(request, (await _by_tag(request)).name)
    return ok(None)


async def increment_tag_limits(request: Request) -> Answer:
    """Take a slot of each tag for a task run."""
    body = request.body(_SLOT)
    if not body["names"]:
        return ok([])
    names = [shapes.TAG + tag for tag in dict.fromkeys(body["names"])]
    for limit in await limits.load_some(request, names):
        if limit.limit == 0:
            tag = limit.name.removeprefix(shapes.TAG)
            told = f'The concurrency limit on tag "{tag}" is 0 and will deadlock if the task tries to run again.'
            raise Refusal(423, told)
    found = await _take(request, names, body["task_run_id"])
    return ok([{**shapes.minimal(limit), "name": limit.name.removeprefix(shapes.TAG)} for limit in found])


async def decrement_tag_limits(request: Request) -> Answer:
    """Give the slots of a task run back."""
    body = request.body(_SLOT)
    found = await limits.load_some(request, [shapes.TAG + tag for tag in dict.fromkeys(body["names"])])
    leases = {holder.lease_id for limit in found for holder in limit.holders if holder.holder_id == body["task_run_id"]}
    for lease_id in sorted(leases):
        await limits.release(request, lease_id)
    return ok([shapes.minimal(limit) for limit in found])


async def _take(request: Request, names: list[str], task_run_id: str) -> list[concurrency_pb2.ConcurrencyLimit]:
    _, found = await limits.take(
        request,
        names,
        1,
        seconds=limits.LONGEST_LEASE_SECONDS,
        holder_kind=shapes.TASK_RUN,
        holder_id=task_run_id,
    )
    return found


async def _by_id(request: Request) -> concurrency_pb2.ConcurrencyLimit:
    found = await limits.find_by_id(request, request.path["id"])
    if found is None or not found.name.startswith(shapes.TAG):
        raise not_found("Concurrency limit")
    return found


async def _by_tag(request: Request) -> concurrency_pb2.ConcurrencyLimit:
    found = await limits.find(request, shapes.TAG + request.path["tag"])
    if found is None:
        raise not_found("Concurrency limit")
    return found


ROUTES = (
    Route("POST", "/concurrency_limits/", create_tag_limit),
    Route("POST", "/concurrency_limits/filter", read_tag_limits),
    Route("POST", "/concurrency_limits/increment", increment_tag_limits),
    Route("POST", "/concurrency_limits/decrement", decrement_tag_limits),
    Route("GET", "/concurrency_limits/tag/{tag}", read_tag_limit_by_tag),
    Route("DELETE", "/concurrency_limits/tag/{tag}", delete_tag_limit_by_tag),
    Route("POST", "/concurrency_limits/tag/{tag}/reset", reset_tag_limit),
    Route("GET", "/concurrency_limits/{id:uuid}", read_tag_limit),
    Route("DELETE", "/concurrency_limits/{id:uuid}", delete_tag_limit),
)
