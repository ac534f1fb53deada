"""Filters of deployments, work pools and queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from headrace.api.v1 import deployment_pb2, work_pool_pb2
from headrace_prefect import lists
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields, boolean, identifiers, nested, one_of, string, strings
from headrace_prefect.filters import values
from headrace_prefect.request import Request
from headrace_prefect.shapes.work_pools import worker_status

MOST_IDS = 1_000
"""So many things a filter of other things may be joined with."""

_OPERATOR = Field(one_of(("and_", "or_")), default="and_")
_LIKE_ANY = Field(nested({"any_": Field(strings), "like_": Field(string)}))

DEPLOYMENT_FILTER = nested(
    {
        "operator": _OPERATOR,
        "id": Field(nested({"any_": Field(identifiers), "not_any_": Field(identifiers)})),
        "name": _LIKE_ANY,
        "flow_or_deployment_name": Field(nested({"like_": Field(string)})),
        "paused": Field(nested({"eq_": Field(boolean)})),
        "tags": Field(values.TAGS),
        "work_queue_name": Field(nested({"any_": Field(strings)})),
        "concurrency_limit": Field(
            nested({"ge_": Field(fields.integer), "le_": Field(fields.integer), "is_null_": Field(boolean)})
        ),
    }
)
POOL_FILTER = nested(
    {
        "operator": _OPERATOR,
        "id": Field(nested({"any_": Field(identifiers)})),
        "name": Field(nested({"any_": Field(strings)})),
        "type": Field(nested({"any_": Field(strings)})),
    }
)
QUEUE_FILTER = nested(
    {
        "operator": _OPERATOR,
        "id": Field(nested({"any_": Field(identifiers)})),
        "name": Field(nested({"any_": Field(strings), "startswith_": Field(strings)})),
    }
)
WORKER_FILTER = nested(
    {
        "operator": _OPERATOR,
        "status": Field(
            nested(
                {
                    "any_": Field(fields.list_of(one_of(("ONLINE", "OFFLINE")))),
                    "not_any_": Field(fields.list_of(one_of(("ONLINE", "OFFLINE")))),
                }
            )
        ),
        "last_heartbeat_time": Field(nested({"before_": Field(fields.moment), "after_": Field(fields.moment)})),
    }
)
JOINED: Fields = {
    "deployments": Field(DEPLOYMENT_FILTER),
    "work_pools": Field(POOL_FILTER),
    "work_pool_queues": Field(QUEUE_FILTER),
}
"""The filters of this module where they stand beside others in a body."""


def _flow_or_deployment(value: Body, deployment: Any) -> Iterable[bool]:
    if value["like_"] is not None:
        yield values.like(deployment.name, value["like_"]) or values.like(deployment.flow_name, value["like_"])


def _paused(value: Body, deployment: Any) -> Iterable[bool]:
    if value["eq_"] is not None:
        yield deployment.paused is value["eq_"]


def _concurrency(value: Body, deployment: Any) -> Iterable[bool]:
    has_limit = deployment.concurrency.HasField("limit")
    limit = deployment.concurrency.limit
    if value["is_null_"] is not None:
        yield (not has_limit) is value["is_null_"]
    if value["ge_"] is not None:
        yield has_limit and limit >= value["ge_"]
    if value["le_"] is not None:
        yield has_limit and limit <= value["le_"]


def _starting(of: Callable[[Any], str]) -> values.Test:
    def check(value: Body, thing: Any) -> Iterable[bool]:
        if value["any_"] is not None:
            yield of(thing) in value["any_"]
        if value["startswith_"] is not None:
            yield any(of(thing).casefold().startswith(start.casefold()) for start in value["startswith_"])

    return check


def _heartbeat(value: Body, worker: Any) -> Iterable[bool]:
    at = worker.last_heartbeat_at.ToNanoseconds()
    if value["before_"] is not None:
        yield at <= value["before_"].timestamp() * 1e9
    if value["after_"] is not None:
        yield at >= value["after_"].timestamp() * 1e9


def queue_name(deployment: Any) -> str:
    """Return the name of the queue that runs of a deployment wait in, empty without a pool."""
    content = deployment.content
    return content.work_queue_name or ("default" if content.work_pool_name else "")


_DEPLOYMENT_TESTS = {
    "id": values.any_of(lambda deployment: deployment.deployment_id),
    "name": values.named(lambda deployment: deployment.name),
    "flow_or_deployment_name": _flow_or_deployment,
    "paused": _paused,
    "tags": values.tagged(lambda deployment: deployment.content.tags),
    "work_queue_name": values.any_of(queue_name),
    "concurrency_limit": _concurrency,
}
_POOL_TESTS = {
    "id": values.any_of(lambda pool: pool.work_pool_id),
    "name": values.any_of(lambda pool: pool.name),
    "type": values.any_of(lambda pool: pool.type),
}
_QUEUE_TESTS = {
    "id": values.any_of(lambda queue: queue.work_queue_id),
    "name": _starting(lambda queue: queue.name),
}
_WORKER_TESTS = {"status": values.any_of(worker_status), "last_heartbeat_time": _heartbeat}


def deployment_test(chosen: Body | None) -> Callable[[Any], bool] | None:
    """Return the test of a filter of deployments, None if it lets all through."""
    return values.test(chosen, _DEPLOYMENT_TESTS)


def pool_test(chosen: Body | None) -> Callable[[Any], bool] | None:
    """Return the test of a filter of work pools, None if it lets all through."""
    return values.test(chosen, _POOL_TESTS)


def queue_test(chosen: Body | None) -> Callable[[Any], bool] | None:
    """Return the test of a filter of work queues, None if it lets all through."""
    return values.test(chosen, _QUEUE_TESTS)


def worker_test(chosen: Body | None) -> Callable[[Any], bool] | None:
    """Return the test of a filter of workers, None if it lets all through."""
    return values.test(chosen, _WORKER_TESTS)


def narrowed(chosen: Body | None) -> deployment_pb2.DeploymentFilter:
    """Return what the service can narrow a list of deployments by; the test decides about what is left."""
    narrow = deployment_pb2.DeploymentFilter()
    if chosen is None or chosen["operator"] == "or_":
        return narrow
    if chosen["id"] is not None and chosen["id"]["any_"]:
        narrow.deployment_ids.extend(chosen["id"]["any_"][:MOST_IDS])
    if chosen["name"] is not None and chosen["name"]["any_"]:
        narrow.names.extend(chosen["name"]["any_"])
    tags = chosen["tags"]
    if tags is not None and tags["operator"] == "and_" and tags["all_"]:
        narrow.tags_all.extend(tags["all_"])
    if chosen["paused"] is not None and chosen["paused"]["eq_"] is not None:
        narrow.paused = chosen["paused"]["eq_"]
    return narrow


async def deployment_ids(request: Request, value: Body | None) -> list[str]:
    """Return the ids of the deployments that a filter chooses, of the first of them if there are very many."""
    found = await lists.window(
        request,
        request.services.deployments.ListDeployments,
        deployment_pb2.ListDeploymentsRequest(filter=narrowed(value)),
        "deployments",
        offset=0,
        limit=MOST_IDS,
        keep=deployment_test(value),
    )
    return [deployment.deployment_id for deployment in found]


async def pools(request: Request, value: Body | None) -> list[work_pool_pb2.WorkPool]:
    """Return the work pools that a filter chooses, by name."""
    return await lists.every(
        request,
        request.services.work_pools.ListWorkPools,
        work_pool_pb2.ListWorkPoolsRequest(),
        "work_pools",
        keep=pool_test(value),
    )


async def pool_ids(request: Request, value: Body | None) -> list[str]:
    """Return the ids of the work pools that a filter chooses."""
    return [pool.work_pool_id for pool in await pools(request, value)]


async def queues(request: Request, value: Body | None) -> list[work_pool_pb2.WorkQueue]:
    """Return the work queues of all pools that a filter chooses."""
    found: list[work_pool_pb2.WorkQueue] = []
    for pool in await pools(request, None):
        found += await queues_of(request, pool.name, value)
    return found


async def queues_of(request: Request, pool_name: str, value: Body | None = None) -> list[work_pool_pb2.WorkQueue]:
    """Return the work queues of a pool that a filter chooses, by priority."""
    return await lists.every(
        request,
        request.services.work_pools.ListWorkQueues,
        work_pool_pb2.ListWorkQueuesRequest(work_pool_name=pool_name),
        "work_queues",
        keep=queue_test(value),
    )


async def queue_ids(request: Request, value: Body | None) -> list[str]:
    """Return the ids of the work queues that a filter chooses."""
    return [queue.work_queue_id for queue in await queues(request, value)]
