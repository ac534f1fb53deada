"""`/deployments`: flows made runnable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import concurrency_pb2, deployment_pb2, flow_pb2, work_pool_pb2
from headrace_prefect import lists, paging
from headrace_prefect.answers import Answer, Invalid, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies import deployments as bodies
from headrace_prefect.bodies import schedules
from headrace_prefect.bodies.fields import Body, Field, Fields, at_least, integer, one_of
from headrace_prefect.filters import deployments as filters
from headrace_prefect.filters import joins
from headrace_prefect.request import Request
from headrace_prefect.resources import hydration, limits
from headrace_prefect.resources.routes import Route
from headrace_prefect.resources.work_pools import ensure_queue, queue_json
from headrace_prefect.shapes.deployments import deployment_json
from headrace_prefect.shapes.schedules import slug_of

MOST_IN_BULK = 50

_SORTS = {
    "CREATED_DESC": deployment_pb2.DEPLOYMENT_SORT_CREATED_DESC,
    "UPDATED_DESC": deployment_pb2.DEPLOYMENT_SORT_UPDATED_DESC,
    "NAME_ASC": deployment_pb2.DEPLOYMENT_SORT_NAME_ASC,
    "NAME_DESC": deployment_pb2.DEPLOYMENT_SORT_NAME_DESC,
}
_FILTERED: Fields = {**joins.JOINED, "sort": Field(one_of(_SORTS), default="NAME_ASC"), "limit": Field(integer)}
_LISTED: Fields = {**_FILTERED, "offset": Field(at_least(0), default=0)}
_PAGED: Fields = {**_FILTERED, "page": Field(at_least(1), default=1)}
_BULK: Fields = {
    "deployments": Field(filters.DEPLOYMENT_FILTER),
    "limit": Field(at_least(1), default=MOST_IN_BULK),
}


async def load(request: Request, deployment_id: str) -> deployment_pb2.Deployment:
    """Return a deployment.

    Raises:
        Refusal: There is none (404).
    """
    try:
        answer = await request.call(
            request.services.deployments.GetDeployment,
            deployment_pb2.GetDeploymentRequest(deployment_id=deployment_id),
        )
    except errors.NotFound:
        raise not_found("Deployment") from None
    return answer.deployment


async def shape(request: Request, deployments: Sequence[deployment_pb2.Deployment]) -> list[dict[str, Any]]:
    """Return deployments as Prefect's client sees them."""
    found = await asyncio.gather(*(_limit(request, deployment) for deployment in deployments))
    return [
        deployment_json(deployment, deployment.work_queue_id or None, limit)
        for deployment, limit in zip(deployments, found, strict=True)
    ]


async def _limit(request: Request, deployment: deployment_pb2.Deployment) -> concurrency_pb2.ConcurrencyLimit | None:
    concurrency = deployment.concurrency
    if concurrency.shared_limit_name:
        return await limits.find(request, concurrency.shared_limit_name)
    if concurrency.HasField("limit"):
        return await limits.find(request, f"deployment:{deployment.deployment_id}")
    return None


async def create_deployment(request: Request) -> Answer:
    """Create a deployment, or change the one with the same flow and name."""
    body = request.body(bodies.FIELDS)
    if body["concurrency_limit"] and body["global_concurrency_limit_id"]:
        raise Invalid.of(
            "concurrency_limit",
            msg="A deployment cannot have both a concurrency limit and a global concurrency limit.",
        )
    flow = await request.call(request.services.flows.GetFlow, flow_pb2.GetFlowRequest(flow_id=body["flow_id"]))
    current = await _by_name(request, flow.flow.name, body["name"])
    wanted = deployment_pb2.ApplyDeploymentRequest(
        flow_name=flow.flow.name,
        name=body["name"],
        content=current.content if current is not None else bodies.new_content(),
        concurrency=current.concurrency if current is not None else None,
        keep_schedules=body["schedules"] is None,
        schedules=schedules.messages(body["schedules"] or ()),
        paused=body["paused"],
    )
    await _fill(request, wanted, body)
    applied = await request.call(request.services.deployments.ApplyDeployment, wanted)
    return made((await shape(request, [applied.deployment]))[0], applied.created)


async def _by_name(request: Request, flow_name: str, name: str) -> deployment_pb2.Deployment | None:
    try:
        answer = await request.call(
            request.services.deployments.GetDeploymentByName,
            deployment_pb2.GetDeploymentByNameRequest(flow_name=flow_name, deployment_name=name),
        )
    except errors.NotFound:
        return None
    return answer.deployment


async def _fill(request: Request, wanted: deployment_pb2.ApplyDeploymentRequest, body: Body) -> None:
    """Set what a body gives of a deployment, and make the queue that it names."""
    if body["work_pool_name"]:
        await _check_pool(request, body["work_pool_name"])
    bodies.fill(wanted.content, body)
    if wanted.content.work_queue_name and not wanted.content.work_pool_name:
        # Queues without a pool are of Prefect's agents, which exist no more.
        wanted.content.work_queue_name = ""
    if wanted.content.work_pool_name and wanted.content.work_queue_name:
        await ensure_queue(request, wanted.content.work_pool_name, wanted.content.work_queue_name)
    shared = ""
    if body["global_concurrency_limit_id"] is not None:
        limit = await limits.find_by_id(request, body["global_concurrency_limit_id"])
        if limit is None:
            raise not_found("Concurrency limit")
        # The deployment's own limit, as it was told before.
        shared = "" if limit.name.startswith("deployment:") else limit.name
    bodies.fill_concurrency(wanted.concurrency, body, shared)


async def _check_pool(request: Request, name: str) -> None:
    try:
        await request.call(
            request.services.work_pools.GetWorkPool, work_pool_pb2.GetWorkPoolRequest(work_pool_name=name)
        )
    except errors.NotFound:
        raise Refusal(404, f'Work pool "{name}" not found.') from None


async def update_deployment(request: Request) -> Answer:
    """Change a deployment."""
    body = request.body(bodies.CHANGE_FIELDS)
    current = await load(request, request.path["id"])
    if body["parameters"] is not None:
        body["parameters"] = await hydration.hydrated(request, body["parameters"])
    wanted = deployment_pb2.ApplyDeploymentRequest(
        flow_name=current.flow_name,
        name=current.name,
        content=current.content,
        concurrency=current.concurrency,
        paused=body["paused"],
        keep_schedules=not body["schedules"],
        schedules=merged_schedules(current, body["schedules"]) if body["schedules"] else (),
    )
    await _fill(request, wanted, body)
    try:
        await request.call(request.services.deployments.ApplyDeployment, wanted)
    except errors.InvalidArgument as error:
        if _is_about_parameters(error):
            raise Refusal(409, f"Error updating deployment: {error.message}") from None
        raise
    return no_content()


def _is_about_parameters(error: errors.InvalidArgument) -> bool:
    return any(violation.field.startswith(("content.parameters", "parameters")) for violation in error.violations)


def merged_schedules(current: deployment_pb2.Deployment, given: Sequence[Body]) -> list[deployment_pb2.Schedule]:
    """Return the schedules of a deployment after a change that gives some of them.

    Where all have slugs, those are changed that are named and the others stay; else they are replaced.
    """
    existing = {schedule.slug: schedule for schedule in current.schedules}
    if not existing or not all(slug_of(schedule) for schedule in current.schedules):
        return schedules.messages([_complete(body) for body in given])
    if not all(body["slug"] for body in given):
        raise Refusal(
            422,
            "Please provide a slug for each schedule in your request to ensure schedules are updated correctly.",
        )
    result = dict(existing)
    replaced = [body["replaces"] for body in given if body["replaces"]]
    for body in given:
        old = body["replaces"] or body["slug"]
        if body["replaces"] and replaced.count(old) > 1:
            raise Refusal(422, f"Multiple schedules have 'replaces' targeting the same slug: {old}")
        if body["replaces"] and body["slug"] in existing and body["slug"] not in replaced:
            raise Refusal(
                422,
                f"Cannot rename schedule from '{old}' to '{body['slug']}': "
                f"a schedule with slug '{body['slug']}' already exists.",
            )
        before = existing.get(old)
        if before is not None:
            if result.get(old) is before:
                del result[old]
            result[body["slug"]] = changed_schedule(before, body)
        else:
            result[body["slug"]] = schedules.message(_complete(body), ())
    return list(result.values())


def _complete(body: Body) -> Body:
    if body["schedule"] is None:
        raise Refusal(422, "Unable to create new deployment schedules without a schedule configuration.")
    return body


def changed_schedule(schedule: deployment_pb2.Schedule, body: Body) -> deployment_pb2.Schedule:
    """Return a schedule with what a body gives of it."""
    changed = deployment_pb2.Schedule()
    changed.CopyFrom(schedule)
    if body["schedule"] is not None:
        changed.rule.CopyFrom(body["schedule"])
    if body["active"] is not None:
        changed.active = body["active"]
    if "parameters" in body.given:
        changed.parameters.Clear()
        changed.parameters.update(body["parameters"])
    if body["slug"]:
        changed.slug = body["slug"]
    return changed


async def read_deployment(request: Request) -> Answer:
    """Return a deployment by its id."""
    return ok((await shape(request, [await load(request, request.path["id"])]))[0])


async def read_deployment_by_name(request: Request) -> Answer:
    """Return a deployment by the flow's name and its own."""
    found = await _by_name(request, request.path["flow_name"], request.path["deployment_name"])
    if found is None:
        raise not_found("Deployment")
    return ok((await shape(request, [found]))[0])


async def _find(request: Request, body: Body, offset: int, limit: int) -> list[deployment_pb2.Deployment]:
    narrow = filters.narrowed(body["deployments"])
    passes = await _joined(request, body, narrow)
    test = filters.deployment_test(body["deployments"])
    return await lists.window(
        request,
        request.services.deployments.ListDeployments,
        deployment_pb2.ListDeploymentsRequest(filter=narrow, sort=_SORTS[body["sort"]]),
        "deployments",
        offset=offset,
        limit=limit,
        keep=lambda deployment: passes(deployment) and (test is None or test(deployment)),
    )


async def _joined(
    request: Request, body: Body, narrow: deployment_pb2.DeploymentFilter
) -> Callable[[deployment_pb2.Deployment], bool]:
    """Return the test of what other things of a body's filters deployments have to do with.

    Args:
        request: Whose.
        body: The filters.
        narrow: Is narrowed by what the service knows a field for.
    """
    wanted: list[tuple[Callable[[deployment_pb2.Deployment], str], Collection[str]]] = []
    if body["flows"] is not None and (body["flows"][0].ListFields() or body["flows"][1] is not None):
        flow_ids = await joins.flow_ids(request, body)
        narrow.flow_ids.extend(flow_ids)
        wanted.append((lambda deployment: deployment.flow_id, set(flow_ids)))
    alone = Body(dict.fromkeys(joins.JOINED) | {name: body[name] for name in ("flow_runs", "task_runs")})
    chosen = await joins.flow_run_filter(request, alone)
    if chosen.ListFields():
        runs = await joins.runs_of(request, chosen)
        wanted.append((lambda deployment: deployment.deployment_id, {run.deployment_id for run in runs}))
    if joins.asks(body["work_pools"]):
        pool_ids = await filters.pool_ids(request, body["work_pools"])
        wanted.append((lambda deployment: deployment.work_pool_id, set(pool_ids)))
    if joins.asks(body["work_pool_queues"]):
        queue_ids = await filters.queue_ids(request, body["work_pool_queues"])
        wanted.append((lambda deployment: deployment.work_queue_id, set(queue_ids)))
    return lambda deployment: all(of(deployment) in ids for of, ids in wanted)


async def read_deployments(request: Request) -> Answer:
    """Return some deployments."""
    body = request.body(_LISTED)
    return ok(await shape(request, await _find(request, body, body["offset"], request.limit(body))))


async def paginate_deployments(request: Request) -> Answer:
    """Return a page of deployments, and how many there are."""
    body = request.body(_PAGED)
    limit, page = request.limit(body), body["page"]
    everything = await _find(request, body, 0, lists.MOST)
    window = everything[(page - 1) * limit : page * limit]
    return ok(paging.paginated(await shape(request, window), len(everything), limit, page))


async def count_deployments(request: Request) -> Answer:
    """Count some deployments."""
    return ok(len(await _find(request, request.body(_LISTED), 0, lists.MOST)))


async def delete_deployment(request: Request) -> Answer:
    """Delete a deployment."""
    await _delete(request, (await load(request, request.path["id"])).deployment_id)
    return no_content()


async def _delete(request: Request, deployment_id: str) -> None:
    await request.call(
        request.services.deployments.DeleteDeployment,
        deployment_pb2.DeleteDeploymentRequest(deployment_id=deployment_id),
    )


async def bulk_delete_deployments(request: Request) -> Answer:
    """Delete some deployments."""
    body = request.body(_BULK)
    if body["limit"] > MOST_IN_BULK:
        raise Invalid.of("limit", msg=f"Input should be less than or equal to {MOST_IN_BULK}", word="less_than_equal")
    found = await filters.deployment_ids(request, body["deployments"])
    for deployment_id in found[: body["limit"]]:
        await _delete(request, deployment_id)
    return ok({"deleted": found[: body["limit"]]})


async def pause_deployment(request: Request) -> Answer:
    """Stop the schedules of a deployment."""
    deployment_id = (await load(request, request.path["id"])).deployment_id
    await request.call(
        request.services.deployments.PauseDeployment,
        deployment_pb2.PauseDeploymentRequest(deployment_id=deployment_id),
    )
    return ok(None)


async def resume_deployment(request: Request) -> Answer:
    """Let the schedules of a deployment go on."""
    deployment_id = (await load(request, request.path["id"])).deployment_id
    await request.call(
        request.services.deployments.ResumeDeployment,
        deployment_pb2.ResumeDeploymentRequest(deployment_id=deployment_id),
    )
    return ok(None)


async def check_work_queues_of_deployment(request: Request) -> Answer:
    """Return the queues from which runs of a deployment are taken."""
    deployment = await load(request, request.path["id"])
    if not deployment.work_queue_id:
        return ok([])
    queue = await request.call(
        request.services.work_pools.GetWorkQueue,
        work_pool_pb2.GetWorkQueueRequest(work_queue_id=deployment.work_queue_id),
    )
    return ok([await queue_json(request, queue.work_queue)])


ROUTES = (
    Route("POST", "/deployments/", create_deployment),
    Route("PATCH", "/deployments/{id:uuid}", update_deployment),
    Route("GET", "/deployments/name/{flow_name}/{deployment_name}", read_deployment_by_name),
    Route("GET", "/deployments/{id:uuid}", read_deployment),
    Route("POST", "/deployments/filter", read_deployments, only_asks=True),
    Route("POST", "/deployments/paginate", paginate_deployments, only_asks=True),
    Route("POST", "/deployments/count", count_deployments, only_asks=True),
    Route("DELETE", "/deployments/{id:uuid}", delete_deployment),
    Route("POST", "/deployments/bulk_delete", bulk_delete_deployments),
    Route("POST", "/deployments/{id:uuid}/pause_deployment", pause_deployment),
    Route("POST", "/deployments/{id:uuid}/resume_deployment", resume_deployment),
    Route("GET", "/deployments/{id:uuid}/work_queue_check", check_work_queues_of_deployment),
)
