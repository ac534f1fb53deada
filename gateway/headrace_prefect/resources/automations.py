"""`/automations`: what to do when something happens or does not happen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import jinja2
import jinja2.nodes
import orjson

from headrace import errors
from headrace.api.v1 import automation_pb2, channel_pb2, work_pool_pb2, workspace_pb2
from headrace.api.v1.block_pb2 import GetBlockRequest
from headrace_prefect import lists, names
from headrace_prefect.answers import JSON, Answer, Fault, Invalid, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    at_least,
    boolean,
    identifiers,
    integer,
    list_of,
    moment,
    nested,
    one_of,
    string,
    strings,
)
from headrace_prefect.filters import values
from headrace_prefect.request import Request
from headrace_prefect.resources.block_documents import find_blocks
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import actions as action_shapes
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes import triggers as trigger_shapes

_LISTS = ("actions", "actions_on_trigger", "actions_on_resolve")
_CHANGEABLE = ("name", "description", "enabled", "tags", "trigger", *_LISTS)
_ACTIONS = list_of(action_shapes.read)
_AUTOMATION = {
    "name": Field(string, required=True),
    "description": Field(string, default=""),
    "enabled": Field(boolean, default=True),
    "tags": Field(strings, default=list),
    "trigger": Field(trigger_shapes.to_trigger, required=True),
    "actions": Field(_ACTIONS, required=True),
    "actions_on_trigger": Field(_ACTIONS, default=list),
    "actions_on_resolve": Field(_ACTIONS, default=list),
}
_FILTER = nested(
    {
        "operator": Field(one_of(("and_", "or_")), default="and_"),
        "id": Field(nested({"any_": Field(identifiers)})),
        "name": Field(nested({"any_": Field(strings)})),
        "created": Field(nested({"before_": Field(moment)})),
        "tags": Field(values.TAGS),
    }
)
_SORTS = ("NAME_ASC", "NAME_DESC", "CREATED_DESC", "UPDATED_DESC")
_MOST_LOOPS = 10
_DEEPEST_LOOP = 2
_TEMPLATES = jinja2.Environment(autoescape=True)
"""Only parses."""


def _created(value: Body, automation: automation_pb2.Automation) -> Iterable[bool]:
    before = scalars.to_timestamp(value["before_"])
    if before is not None:
        yield automation.created_at.ToNanoseconds() <= before.ToNanoseconds()


_TESTS: dict[str, values.Test] = {
    "id": values.any_of(lambda automation: automation.automation_id),
    "name": values.any_of(lambda automation: automation.name),
    "created": _created,
    "tags": values.tagged(lambda automation: automation.tags),
}


async def create_automation(request: Request) -> Answer:
    """Create an automation."""
    body = request.body({**_AUTOMATION, "owner_resource": Field(string, default="")})
    automation = await _to_ours(request, body)
    automation.owner_resource_id = names.to_ours(body["owner_resource"])
    answer = await request.call(
        request.services.automations.CreateAutomation, automation_pb2.CreateAutomationRequest(automation=automation)
    )
    return made((await _shapes(request, [answer.automation]))[0])


async def read_automation(request: Request) -> Answer:
    """Return an automation."""
    answer = await request.call(
        request.services.automations.GetAutomation,
        automation_pb2.GetAutomationRequest(automation_id=request.path["id"]),
    )
    return ok((await _shapes(request, [answer.automation]))[0])


async def read_automations(request: Request) -> Answer:
    """Return some automations."""
    body = request.body(
        {
            "automations": Field(_FILTER),
            "sort": Field(one_of(_SORTS), default="NAME_ASC"),
            "limit": Field(integer),
            "offset": Field(at_least(0), default=0),
        }
    )
    limit, offset = request.limit(body), body["offset"]
    found = await _all(request, values.test(body["automations"], _TESTS))
    if body["sort"].startswith("NAME"):
        found.sort(key=lambda automation: automation.name, reverse=body["sort"] == "NAME_DESC")
    else:
        field = "created_at" if body["sort"] == "CREATED_DESC" else "updated_at"
        found.sort(key=lambda automation: getattr(automation, field).ToNanoseconds(), reverse=True)
    return ok(await _shapes(request, found[offset : offset + limit]))


async def count_automations(request: Request) -> Answer:
    """Count some automations."""
    body = request.body({"automations": Field(_FILTER)})
    return ok(len(await _all(request, values.test(body["automations"], _TESTS))))


async def update_automation(request: Request) -> Answer:
    """Replace an automation."""
    automation = await _to_ours(request, request.body(_AUTOMATION))
    return await _update(request, automation, _CHANGEABLE)


async def patch_automation(request: Request) -> Answer:
    """Switch an automation on or off."""
    body = request.body({"enabled": Field(boolean, default=True)})
    return await _update(request, automation_pb2.Automation(enabled=body["enabled"]), ("enabled",))


async def delete_automation(request: Request) -> Answer:
    """Delete an automation."""
    await _delete(request, request.path["id"])
    return no_content()


async def read_automations_related_to_resource(request: Request) -> Answer:
    """Return the automations that a resource owns, or that do something with it."""
    resource_id = names.to_ours(request.path["resource_id"])
    found = await _all(request, lambda automation: resource_id in set(_related(automation)))
    return ok(await _shapes(request, found))


async def delete_automations_owned_by_resource(request: Request) -> Answer:
    """Delete the automations that a resource owns."""
    owner = names.to_ours(request.path["resource_id"])
    for automation in await _all(request, owner=owner):
        try:
            await _delete(request, automation.automation_id)
        except errors.NotFound:
            continue
    return no_content(202)


async def validate_template(request: Request) -> Answer:
    """Say whether a text is a template; to those who say who they are."""
    await request.call(request.services.workspaces.GetCaller, workspace_pb2.GetCallerRequest())
    template = request.json if request.json is not None else ""
    if not isinstance(template, str):
        raise Invalid([Fault(("body",), "Input should be a valid string", "string_type")])
    try:
        fault = _loops(_TEMPLATES.parse(template))
        line = 0
    except jinja2.TemplateSyntaxError as error:
        fault, line = error.message or "the template is malformed", error.lineno
    if fault is None:
        return no_content()
    return Answer(422, orjson.dumps({"error": {"line": line, "message": fault, "source": template}}), (JSON,))


def _loops(template: jinja2.nodes.Template) -> str | None:
    loops = list(template.find_all(jinja2.nodes.For))
    if len(loops) > _MOST_LOOPS:
        return f"Contains {len(loops)} for loops. Templates can contain no more than {_MOST_LOOPS} for loops."
    if any(_depth(loop) > _DEEPEST_LOOP for loop in loops):
        return f"Templates can nest for loops no more than {_DEEPEST_LOOP} loops deep."
    return None


def _depth(loop: jinja2.nodes.For) -> int:
    return 1 + max((_depth(inner) for inner in loop.find_all(jinja2.nodes.For)), default=0)


async def _update(request: Request, automation: automation_pb2.Automation, fields: Iterable[str]) -> Answer:
    automation.automation_id = request.path["id"]
    message = automation_pb2.UpdateAutomationRequest(automation=automation)
    message.update_mask.paths.extend(fields)
    await request.call(request.services.automations.UpdateAutomation, message)
    return no_content()


async def _delete(request: Request, automation_id: str) -> None:
    await request.call(
        request.services.automations.DeleteAutomation,
        automation_pb2.DeleteAutomationRequest(automation_id=automation_id),
    )


async def _all(
    request: Request, keep: Callable[[Any], bool] | None = None, owner: str = ""
) -> list[automation_pb2.Automation]:
    return await lists.every(
        request,
        request.services.automations.ListAutomations,
        automation_pb2.ListAutomationsRequest(owner_resource_id=owner),
        "automations",
        keep=keep,
    )


def _related(automation: automation_pb2.Automation) -> Iterable[str]:
    yield automation.owner_resource_id
    for field in _LISTS:
        for action in getattr(automation, field):
            if action.run_deployment.deployment_id:
                yield f"{names.OURS}deployment.{action.run_deployment.deployment_id}"


async def _shapes(request: Request, found: Iterable[automation_pb2.Automation]) -> list[dict[str, Any]]:
    automations = list(found)
    kinds = {action.WhichOneof("action") for each in automations for field in _LISTS for action in getattr(each, field)}
    pools = {"pause_work_pool", "resume_work_pool", "pause_work_queue", "resume_work_queue"} & kinds
    places = await _places(request, with_queues=any("queue" in str(kind) for kind in kinds)) if pools else None
    return [_shape(automation, places or action_shapes.Places()) for automation in automations]


def _shape(automation: automation_pb2.Automation, places: action_shapes.Places) -> dict[str, Any]:
    return {
        "id": automation.automation_id,
        "created": scalars.moment(automation, "created_at"),
        "updated": scalars.moment(automation, "updated_at"),
        "name": automation.name,
        "description": automation.description,
        "enabled": automation.enabled,
        "tags": list(automation.tags),
        "trigger": trigger_shapes.of_trigger(automation.trigger, uuid.UUID(automation.automation_id)),
        **{field: action_shapes.of_actions(getattr(automation, field), places) for field in _LISTS},
    }


async def _places(request: Request, *, with_queues: bool) -> action_shapes.Places:
    found = await lists.every(
        request, request.services.work_pools.ListWorkPools, work_pool_pb2.ListWorkPoolsRequest(), "work_pools"
    )
    queues: dict[str, tuple[str, str]] = {}
    for pool in found if with_queues else ():
        for queue in await lists.every(
            request,
            request.services.work_pools.ListWorkQueues,
            work_pool_pb2.ListWorkQueuesRequest(work_pool_name=pool.name),
            "work_queues",
        ):
            queues[queue.work_queue_id] = (pool.name, queue.name)
    return action_shapes.Places(pools={pool.work_pool_id: pool.name for pool in found}, queues=queues)


async def _to_ours(request: Request, body: Body) -> automation_pb2.Automation:
    given = [action for field in _LISTS for action in body[field]]
    places = action_shapes.Places()
    if any(action.get("work_pool_id") or action.get("work_queue_id") for action in given):
        places = await _places(request, with_queues=any(action.get("work_queue_id") for action in given))
        _check(given, places)
    calls = await _calls(request, [each["block_document_id"] for each in given if each["type"] == "call-webhook"])
    for action in given:
        if action["type"] == "send-notification":
            await _ensure_channel(request, action["block_document_id"])
    places = action_shapes.Places(places.pools, places.queues, calls)
    automation = automation_pb2.Automation(
        name=body["name"],
        description=body["description"],
        enabled=body["enabled"],
        tags=body["tags"],
        trigger=body["trigger"],
    )
    for field in _LISTS:
        getattr(automation, field).extend(action_shapes.to_action(action, places) for action in body[field])
    if not any(body[field] for field in _LISTS):
        # An automation that does nothing says so.
        automation.actions.add().do_nothing.SetInParent()
    return automation


def _check(given: Iterable[Body], places: action_shapes.Places) -> None:
    for action in given:
        if action.get("work_pool_id") and action["work_pool_id"] not in places.pools:
            raise not_found("Work pool")
        if action.get("work_queue_id") and action["work_queue_id"] not in places.queues:
            raise not_found("Work queue")


async def _calls(request: Request, block_ids: list[str]) -> dict[str, automation_pb2.CallWebhookAction]:
    calls: dict[str, automation_pb2.CallWebhookAction] = {}
    for block_id, data in (await _data_of(request, block_ids)).items():
        url = data.get("url")
        headers = data.get("headers")
        if not isinstance(url, str):
            raise Refusal(422, f"The block document {block_id} has no url to call")
        calls[block_id] = automation_pb2.CallWebhookAction(
            url=url,
            method=str(data.get("method") or "POST"),
            headers={str(name): str(text) for name, text in headers.items()} if isinstance(headers, dict) else {},
            allow_private_addresses=bool(data.get("allow_private_urls", True)),
            block_id=block_id,
        )
    missing = sorted(set(block_ids) - calls.keys())
    if missing:
        raise Refusal(422, f"The block document {missing[0]} does not exist")
    return calls


async def _data_of(request: Request, block_ids: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for block_id, block in (await find_blocks(request, sorted(set(block_ids)))).items():
        answer = await request.call(
            request.services.blocks.GetBlock,
            GetBlockRequest(type_slug=block.type_slug, name=block.name, include_secrets=True),
        )
        found[block_id] = scalars.of_struct(answer.block.data)
    return found


async def _ensure_channel(request: Request, block_id: str) -> None:
    """Make the channel that stands for a block, if there is none with its id yet."""
    try:
        await request.call(request.services.channels.GetChannel, channel_pb2.GetChannelRequest(channel=block_id))
    except errors.NotFound:
        pass
    else:
        return
    block = (await find_blocks(request, [block_id])).get(block_id)
    if block is None:
        raise Refusal(422, f"The block document {block_id} does not exist")
    data = (await _data_of(request, [block_id]))[block_id]
    make = _CHANNELS.get(block.type_slug)
    if make is None:
        told = f"Blocks of the type {block.type_slug} cannot notify here; create a channel and name its id"
        raise Refusal(422, told)
    kind, config = make(data)
    channel = channel_pb2.Channel(
        channel_id=block_id,
        name=f"{block.type_slug}/{block.name}",
        description="Made from the block of this name.",
        kind=kind,
        config=scalars.to_struct(config),
    )
    await request.call(request.services.channels.CreateChannel, channel_pb2.CreateChannelRequest(channel=channel))


def _by_url(kind: str) -> Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]:
    return lambda data: (kind, {"webhook_url": data.get("url")})


def _discord(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    address = f"https://discord.com/api/webhooks/{data.get('webhook_id')}/{data.get('webhook_token')}"
    return "discord", {"webhook_url": address}


def _custom(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    headers = data.get("headers") or {}
    method = data.get("method") if data.get("method") in ("POST", "PUT", "PATCH") else "POST"
    return "webhook", {"url": data.get("url"), "method": method, "headers": headers}


_CHANNELS: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]] = {
    "slack-webhook": _by_url("slack"),
    "ms-teams-webhook": _by_url("teams"),
    "discord-webhook": _discord,
    "custom-webhook": _custom,
    "webhook": _custom,
}
"""What kind of channel a block of a type becomes, and with which configuration."""


ROUTES = (
    Route("POST", "/automations/", create_automation),
    Route("POST", "/automations/filter", read_automations),
    Route("POST", "/automations/count", count_automations),
    Route("GET", "/automations/related-to/{resource_id}", read_automations_related_to_resource),
    Route("DELETE", "/automations/owned-by/{resource_id}", delete_automations_owned_by_resource),
    Route("POST", "/automations/templates/validate", validate_template),
    Route("POST", "/templates/validate", validate_template),
    Route("GET", "/automations/{id:uuid}", read_automation),
    Route("PUT", "/automations/{id:uuid}", update_automation),
    Route("PATCH", "/automations/{id:uuid}", patch_automation),
    Route("DELETE", "/automations/{id:uuid}", delete_automation),
)
