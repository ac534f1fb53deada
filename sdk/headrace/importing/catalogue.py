"""The steps of an import apart from history: what is there already is left alone, what is missing is made."""

from __future__ import annotations

import urllib.parse
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import (
    automation_pb2,
    block_pb2,
    channel_pb2,
    concurrency_pb2,
    deployment_pb2,
    flow_pb2,
    variable_pb2,
    work_pool_pb2,
)
from headrace.importing.job import PAGE, UNFIT, Job, everything
from headrace.importing.mapping import automations, blocks, deployments, pools
from headrace.importing.mapping import means as means_of
from headrace.importing.mapping.means import Means
from headrace.importing.mapping.values import has_large_numbers, struct, text

FLOWS, POOLS, QUEUES, VARIABLES = "flows", "work pools", "work queues", "variables"
TYPES, BLOCKS, LIMITS = "block types", "blocks", "concurrency limits"
DEPLOYMENTS, SCHEDULES, AUTOMATIONS = "deployments", "schedules", "automations"
CHANNELS = "channels"

_TO_TEXT = "whole numbers beyond 2^53, which are kept as texts"
_POOL_FIELDS = ("description", "base_job_template", "paused", "concurrency_limit", "storage_configuration")
_AUTOMATION_FIELDS = (
    "name",
    "description",
    "enabled",
    "tags",
    "trigger",
    "actions",
    "actions_on_trigger",
    "actions_on_resolve",
)
_QUEUE_FIELDS = ("description", "priority", "paused", "concurrency_limit")


def import_flows(job: Job) -> None:
    """Make flows with their ids."""
    for page in job.source.pages("/flows/filter", sort="NAME_ASC"):
        names = [text(found["name"], 255) for found in page]
        request = flow_pb2.ListFlowsRequest(filter=flow_pb2.FlowFilter(names=names), page_size=PAGE)
        here = {flow.name: flow for flow in job.client.flows.ListFlows(request).flows}
        for found in page:
            import_flow(job, found, here.get(text(found["name"], 255)))


def import_flow(job: Job, found: Mapping[str, Any], here: flow_pb2.Flow | None) -> None:
    """Make one flow, unless it is `here`."""
    there, name = str(found["id"]), text(found["name"], 255)
    tags, labels = [text(tag) for tag in found.get("tags") or ()], struct(found.get("labels"))
    job.ids.flow_names[there] = name
    if here is not None:
        job.ids.flows[there] = here.flow_id
        change = flow_pb2.UpdateFlowRequest(
            flow=flow_pb2.Flow(flow_id=here.flow_id, tags=tags, labels=labels),
            update_mask=FieldMask(paths=("tags", "labels")),
        )
        job.change(FLOWS, name, here, job.client.flows.UpdateFlow, change)
        return
    request = flow_pb2.CreateFlowRequest(flow_id=there, name=name, tags=tags, labels=labels)
    made = job.make(FLOWS, name, job.client.flows.CreateFlow, request)
    job.ids.flows[there] = made.flow.flow_id if made is not None else there


def import_pools(job: Job) -> None:
    """Make work pools with their queues."""
    here = {
        pool.name: pool
        for pool in everything(
            lambda token: job.client.work_pools.ListWorkPools(
                work_pool_pb2.ListWorkPoolsRequest(page_size=PAGE, page_token=token)
            ),
            "work_pools",
        )
    }
    for found in job.source.items("/work_pools/filter"):
        pool, there = pools.work_pool(found), str(found["id"])
        known = here.get(pool.name)
        # One that was made when the import was interrupted has to be brought to its end.
        is_ours = known is None or job.progress.under_way == f"{POOLS} {pool.name}"
        if known is None:
            if not job.is_rehearsal:
                job.progress.under_way = f"{POOLS} {pool.name}"
                job.progress.save()
            request = work_pool_pb2.CreateWorkPoolRequest(work_pool=pool)
            made = job.make(POOLS, pool.name, job.client.work_pools.CreateWorkPool, request)
            if made is None and not job.is_rehearsal:
                continue
            known = made.work_pool if made is not None else pool
        else:
            change = work_pool_pb2.UpdateWorkPoolRequest(work_pool=pool, update_mask=FieldMask(paths=_POOL_FIELDS))
            job.change(POOLS, pool.name, known, job.client.work_pools.UpdateWorkPool, change)
        job.ids.pools[there] = known.work_pool_id or there
        job.ids.pool_names[there] = pool.name
        _import_queues(job, pool.name, is_ours)
        job.progress.under_way = ""


def _import_queues(job: Job, pool: str, is_ours: bool) -> None:
    here: dict[str, work_pool_pb2.WorkQueue] = {}
    if not job.is_rehearsal or not is_ours:
        here = {
            queue.name: queue
            for queue in everything(
                lambda token: job.client.work_pools.ListWorkQueues(
                    work_pool_pb2.ListWorkQueuesRequest(work_pool_name=pool, page_size=PAGE, page_token=token)
                ),
                "work_queues",
            )
        }
    path = f"/work_pools/{urllib.parse.quote(pool, safe='')}/queues/filter"
    ordered = sorted(job.source.items(path), key=lambda found: int(found.get("priority") or 1))
    for found in ordered:
        queue, there = pools.work_queue(found), str(found["id"])
        known = here.get(queue.name)
        name = f"{pool}/{queue.name}"
        if known is None:
            request = work_pool_pb2.CreateWorkQueueRequest(work_pool_name=pool, work_queue=queue)
            made = job.make(QUEUES, name, job.client.work_pools.CreateWorkQueue, request)
            known = made.work_queue if made is not None else queue
        else:
            change = work_pool_pb2.UpdateWorkQueueRequest(
                work_pool_name=pool, work_queue=queue, update_mask=FieldMask(paths=_QUEUE_FIELDS)
            )
            if is_ours and queue.name == pools.DEFAULT_QUEUE:
                # It came with the pool.
                job.make(QUEUES, name, job.client.work_pools.UpdateWorkQueue, change)
            else:
                job.change(QUEUES, name, known, job.client.work_pools.UpdateWorkQueue, change)
        job.ids.queues[there] = known.work_queue_id or there
        job.ids.queue_names[there] = [pool, queue.name]


def import_variables(job: Job) -> None:
    """Make variables."""
    for page in job.source.pages("/variables/filter"):
        requests = [blocks.variable(found) for found in page]
        listing = variable_pb2.ListVariablesRequest(names=[each.name for each in requests], page_size=PAGE)
        here = {variable.name: variable for variable in job.client.variables.ListVariables(listing).variables}
        for found, request in zip(page, requests, strict=True):
            known = here.get(request.name)
            if known is not None:
                request.overwrite = True
                job.change(VARIABLES, request.name, known, job.client.variables.SetVariable, request)
                continue
            job.make(VARIABLES, request.name, job.client.variables.SetVariable, request)
            if has_large_numbers(found.get("value")):
                job.report.lost(VARIABLES, request.name, _TO_TEXT)


def import_blocks(job: Job) -> None:
    """Make blocks with their secrets, and the types that they are of; clients bring all others along."""
    path, nameless = "/block_documents/filter", {"is_anonymous": {"eq_": True}}
    documents = {str(found["id"]): found for found in job.source.items(path, include_secrets=True)}
    for found in job.source.items(path, block_documents=nameless, include_secrets=True):
        documents[str(found["id"])] = found
    schemas = _import_types(job, documents.values())
    here = {
        f"{block.type_slug}/{block.name}": block
        for block in everything(
            lambda token: job.client.blocks.ListBlocks(block_pb2.ListBlocksRequest(page_size=PAGE, page_token=token)),
            "blocks",
        )
    }
    for there in _referred_first(documents):
        found = documents[there]
        known = here.get(f"{blocks.slug_of(found)}/{found['name']}")
        request, lost = blocks.block(found, job.ids.blocks, keeps_hidden=known is not None)
        request.block_schema_id = schemas.get(str(found["block_schema_id"]), "")
        name = f"{request.type_slug}/{request.name}"
        job.ids.blocks[there] = name
        if known is not None:
            _change_block(job, name, request)
            continue
        job.make(BLOCKS, name, job.client.blocks.SaveBlock, request)
        for what in lost:
            job.report.lost(BLOCKS, name, what)
        if has_large_numbers(found.get("data")):
            job.report.lost(BLOCKS, name, _TO_TEXT)


def _change_block(job: Job, name: str, request: block_pb2.SaveBlockRequest) -> None:
    asked = block_pb2.GetBlockRequest(type_slug=request.type_slug, name=request.name, include_secrets=True)
    if not job.updates or job.is_rehearsal or job.client.blocks.GetBlock(asked).block.data == request.data:
        job.report.there_before(BLOCKS)
        return
    request.overwrite = True
    try:
        job.client.blocks.SaveBlock(request)
    except UNFIT as error:
        job.report.refused(BLOCKS, name, str(error))
    else:
        job.report.updated(BLOCKS)


def _import_types(job: Job, documents: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Make types with the schemas that blocks have, the newest last, and return what schemas are called here."""
    used_types = {str(found["block_type_id"]) for found in documents}
    used = {str(found["block_schema_id"]) for found in documents}
    schemas: dict[str, list[dict[str, Any]]] = {}
    for schema in sorted(job.source.items("/block_schemas/filter"), key=lambda found: str(found.get("created"))):
        schemas.setdefault(str(schema.get("block_type_id")), []).append(schema)
    here = {
        kind.slug
        for kind in everything(
            lambda token: job.client.blocks.ListBlockTypes(
                block_pb2.ListBlockTypesRequest(page_size=PAGE, page_token=token)
            ),
            "block_types",
        )
    }
    names: dict[str, str] = {}
    for found in job.source.items("/block_types/filter"):
        there, slug = str(found["id"]), text(found["slug"])
        if there not in used_types or there not in schemas:
            continue
        mark = f"{TYPES} {slug}"
        *earlier, newest = schemas[there]
        wanted = [*(one for one in earlier if str(one["id"]) in used), newest]
        if slug in here and job.progress.under_way != mark:
            names |= _add_schemas(job, found, [one for one in wanted if job.updates or str(one["id"]) in used])
            continue
        if not job.is_rehearsal:
            job.progress.under_way = mark
            job.progress.save()
        for schema in wanted:
            request = blocks.block_type(found, schema)
            made = None
            if schema is newest:
                made = job.make(TYPES, slug, job.client.blocks.RegisterBlockType, request)
            elif not job.is_rehearsal:
                made = job.client.blocks.RegisterBlockType(request)
            if made is not None:
                names[str(schema["id"])] = made.block_type.schema.block_schema_id
        job.progress.under_way = ""
    return names


def _add_schemas(job: Job, found: Mapping[str, Any], wanted: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Add schemas to a type that is here, where they are not, and return what all of them are called here."""
    names: dict[str, str] = {}
    is_changed = False
    slug = text(found["slug"])
    for schema in wanted:
        request = blocks.block_type(found, schema)
        asked = block_pb2.ListBlockSchemasRequest(
            type_slugs=[slug],
            client_checksum=request.schema.client_checksum,
            version=request.schema.version,
            page_size=1,
        )
        page = job.client.blocks.ListBlockSchemas(asked) if request.schema.client_checksum else None
        if page is not None and page.schemas:
            names[str(schema["id"])] = page.schemas[0].block_schema_id
        elif not job.is_rehearsal:
            made = job.client.blocks.RegisterBlockType(request)
            names[str(schema["id"])] = made.block_type.schema.block_schema_id
            is_changed = True
    if is_changed:
        job.report.updated(TYPES)
    else:
        job.report.there_before(TYPES)
    return names


def _referred_first(documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    ordered: dict[str, None] = {}
    waiting = list(documents)
    while waiting:
        ready = [
            there
            for there in waiting
            if all(other in ordered or other not in documents for other in blocks.references_of(documents[there]))
        ]
        # A circle cannot be made on the server; whatever is left is tried in its order.
        for there in ready or waiting:
            ordered[there] = None
        waiting = [there for there in waiting if there not in ordered]
    return list(ordered)


def import_limits(job: Job) -> None:
    """Make limits by name, those of tags among them."""
    here = {
        limit.name: limit
        for limit in everything(
            lambda token: job.client.concurrency.ListConcurrencyLimits(
                concurrency_pb2.ListConcurrencyLimitsRequest(page_size=PAGE, page_token=token)
            ),
            "limits",
        )
    }
    wanted = [pools.limit(found) for found in job.source.items("/v2/concurrency_limits/filter")]
    wanted += [pools.tag_limit(found) for found in job.source.items("/concurrency_limits/filter")]
    requests = {request.name: request for request in reversed(wanted) if not request.name.startswith(pools.OWNED)}
    for name in sorted(requests):
        if name in here:
            job.change(LIMITS, name, here[name], job.client.concurrency.SetConcurrencyLimit, requests[name])
            continue
        job.make(LIMITS, name, job.client.concurrency.SetConcurrencyLimit, requests[name])


def import_deployments(job: Job) -> None:
    """Make deployments with their ids and schedules."""
    for found in job.source.items("/deployments/filter", sort="NAME_ASC"):
        there, flow_name = str(found["id"]), job.ids.flow_names.get(str(found["flow_id"]), "")
        request, lost = deployments.deployment(found, flow_name)
        name = f"{flow_name}/{request.name}"
        if job.pauses:
            request.paused = True
        job.ids.deployment_names[there] = request.name
        known = _deployment_here(job, flow_name, request.name)
        if known is not None:
            job.ids.deployments[there] = request.deployment_id = known.deployment_id
            job.change(DEPLOYMENTS, name, known, job.client.deployments.ApplyDeployment, request)
            job.report.there_before(SCHEDULES, len(request.schedules))
            continue
        made = job.make(DEPLOYMENTS, name, job.client.deployments.ApplyDeployment, request)
        if made is not None or job.is_rehearsal:
            job.report.created(SCHEDULES, len(request.schedules))
            job.ids.deployments[there] = made.deployment.deployment_id if made is not None else there
        for what in lost:
            job.report.lost(DEPLOYMENTS, name, what)
        if has_large_numbers(found.get("parameters")) or has_large_numbers(found.get("job_variables")):
            job.report.lost(DEPLOYMENTS, name, _TO_TEXT)


def _deployment_here(job: Job, flow_name: str, name: str) -> deployment_pb2.Deployment | None:
    request = deployment_pb2.GetDeploymentByNameRequest(flow_name=flow_name, deployment_name=name)
    try:
        return job.client.deployments.GetDeploymentByName(request).deployment
    except errors.NotFound:
        return None


def import_automations(job: Job) -> None:
    """Make automations with their ids; those of which a part is lost are disabled."""
    all_of_them = list(job.source.items("/automations/filter"))
    for found in all_of_them:
        job.ids.automations[str(found["id"])] = str(found["id"])
    for found in all_of_them:
        there, name = str(found["id"]), text(found["name"], 255)
        known = _automation_here(job, there)
        if known is not None and not job.updates:
            job.report.there_before(AUTOMATIONS)
            continue
        try:
            message, lost = automations.automation(found, job.ids, _means(job, found))
        except automations.NotMapped as cause:
            job.report.refused(AUTOMATIONS, name, str(cause))
            continue
        message.automation_id = there
        if known is not None:
            change = automation_pb2.UpdateAutomationRequest(
                automation=message, update_mask=FieldMask(paths=_AUTOMATION_FIELDS)
            )
            job.change(AUTOMATIONS, name, known, job.client.automations.UpdateAutomation, change)
            continue
        request = automation_pb2.CreateAutomationRequest(automation=message)
        job.make(AUTOMATIONS, name, job.client.automations.CreateAutomation, request)
        for what in lost:
            job.report.lost(AUTOMATIONS, name, f"{what} (the automation is disabled until that is mended)")


def _means(job: Job, found: Mapping[str, Any]) -> Means:
    """Return what the actions of an automation go through; channels that are missing are made."""
    means = Means()
    calling = automations.blocks_of(found, "call-webhook")
    for there in calling | automations.blocks_of(found, "send-notification"):
        if there not in job.ids.blocks:
            continue
        slug, _, name = job.ids.blocks[there].partition("/")
        data = job.source.get(f"/block_documents/{there}", include_secrets="true").get("data") or {}
        block_id = _block_here(job, slug, name) or (there if job.is_rehearsal else "")
        if not block_id:
            continue
        if there in calling:
            call = means_of.call_of(data, block_id)
            if call is not None:
                means.calls[there] = call
        elif _has_channel(job, slug, name, data, block_id):
            means.channels[there] = block_id
    return means


def _block_here(job: Job, slug: str, name: str) -> str:
    try:
        return job.client.blocks.GetBlock(block_pb2.GetBlockRequest(type_slug=slug, name=name)).block.block_id
    except errors.NotFound:
        return ""


def _has_channel(job: Job, slug: str, name: str, data: Mapping[str, Any], channel_id: str) -> bool:
    try:
        job.client.channels.GetChannel(channel_pb2.GetChannelRequest(channel=channel_id))
    except errors.NotFound:
        pass
    else:
        return True
    channel = means_of.channel_of(slug, name, data, channel_id)
    if channel is None:
        return False
    request = channel_pb2.CreateChannelRequest(channel=channel)
    made = job.make(CHANNELS, channel.name, job.client.channels.CreateChannel, request)
    return made is not None or job.is_rehearsal


def _automation_here(job: Job, automation_id: str) -> automation_pb2.Automation | None:
    request = automation_pb2.GetAutomationRequest(automation_id=automation_id)
    try:
        return job.client.automations.GetAutomation(request).automation
    except errors.NotFound:
        return None
