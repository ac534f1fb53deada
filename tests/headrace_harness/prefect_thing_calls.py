"""Valid calls of the operations about what runs use and leave behind, and about the server."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from headrace_harness.prefect_contract import Contract


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()


def _mark() -> str:
    return uuid.uuid4().hex[:8]


async def call_variables(api: Contract) -> None:
    """Call the operations about variables and saved searches."""
    name = f"v_{_mark()}"
    made = await api.call("POST", "/variables/", body={"name": name, "value": {"a": [1, None]}, "tags": ["x"]})
    await api.call("GET", "/variables/{id}", id=made["id"])
    await api.call("GET", "/variables/name/{name}", name=name)
    await api.call("PATCH", "/variables/{id}", body={"value": 3}, id=made["id"])
    await api.call("PATCH", "/variables/name/{name}", body={"name": f"{name}_2", "tags": []}, name=name)
    chosen = {"variables": {"name": {"like_": name}, "tags": {"is_null_": True}}}
    for sort in ("NAME_ASC", "NAME_DESC", "CREATED_DESC", "UPDATED_DESC"):
        await api.call("POST", "/variables/filter", body={**chosen, "sort": sort, "limit": 3, "offset": 0})
    await api.call("POST", "/variables/count", body=chosen)
    await api.call("DELETE", "/variables/name/{name}", name=f"{name}_2")
    other = await api.call("POST", "/variables/", body={"name": name, "value": None})
    await api.call("DELETE", "/variables/{id}", id=other["id"])
    condition = {"object": "flow_run", "property": "name", "type": "string", "operation": "equals", "value": "x"}
    search = await api.call("PUT", "/saved_searches/", body={"name": f"s-{_mark()}", "filters": [condition]})
    await api.call("GET", "/saved_searches/{id}", id=search["id"])
    await api.call("POST", "/saved_searches/filter", body={"limit": 10, "offset": 0})
    await api.call("DELETE", "/saved_searches/{id}", id=search["id"])


async def call_blocks(api: Contract) -> None:
    """Call the operations about types of blocks, schemas and blocks, and the default storage of results."""
    slug = f"conform-{_mark()}"
    block_type = await api.call("POST", "/block_types/", body={"name": f"Conform {slug}", "slug": slug})
    await api.call("GET", "/block_types/{id}", id=block_type["id"])
    await api.call("GET", "/block_types/slug/{slug}", slug=slug)
    await api.call("PATCH", "/block_types/{id}", body={"description": "d"}, id=block_type["id"])
    fields = {
        "title": "Conform",
        "type": "object",
        "properties": {"token": {"type": "string", "title": "Token"}, "inner": {"$ref": "#/definitions/Inner"}},
        "required": ["token"],
        "secret_fields": ["token"],
        "block_type_slug": slug,
        "block_schema_references": {},
        "definitions": {"Inner": {"type": "object", "block_type_slug": "inner"}},
    }
    wanted = {"fields": fields, "block_type_id": block_type["id"], "capabilities": ["write-path", "read-path"]}
    schema = await api.call("POST", "/block_schemas/", body={**wanted, "version": "1"})
    await api.call("POST", "/block_schemas/", body={**wanted, "version": "1"})
    await api.call("GET", "/block_schemas/{id}", id=schema["id"])
    await api.call("GET", "/block_schemas/checksum/{checksum}", query={"version": "1"}, checksum=schema["checksum"])
    of_schema = {"block_schemas": {"block_capabilities": {"all_": ["write-path"]}, "version": {"any_": ["1"]}}}
    await api.call("POST", "/block_schemas/filter", body=of_schema)
    await api.call("POST", "/block_types/filter", body={"block_types": {"slug": {"any_": [slug]}}, **of_schema})
    await api.call("POST", "/block_types/install_system_block_types")
    await api.call("GET", "/block_capabilities/")
    of_block = {"block_schema_id": schema["id"], "block_type_id": block_type["id"]}
    inner = await api.call("POST", "/block_documents/", body={"name": "inner", "data": {"token": "s"}, **of_block})
    data = {"token": "secret", "inner": {"$ref": {"block_document_id": inner["id"]}}}
    block = await api.call("POST", "/block_documents/", body={"name": "outer", "data": data, **of_block})
    anonymous = {"data": {"token": "t"}, "is_anonymous": True, **of_block}
    await api.call("POST", "/block_documents/", body=anonymous)
    shown = await api.call("GET", "/block_documents/{id}", query={"include_secrets": "true"}, id=block["id"])
    assert shown["data"] == {"token": "secret", "inner": {"token": "s"}}
    assert shown["block_document_references"]["inner"]["block_document"]["id"] == inner["id"]
    hidden = await api.call("GET", "/block_documents/{id}", id=block["id"])
    assert hidden["data"] == {"token": "********", "inner": {"token": "********"}}
    names = {"slug": slug, "block_document_name": "outer"}
    await api.call("GET", "/block_types/slug/{slug}/block_documents", slug=slug)
    await api.call("GET", "/block_types/slug/{slug}/block_documents/name/{block_document_name}", **names)
    await api.call("PATCH", "/block_documents/{id}", body={"data": {"token": "new"}}, id=block["id"])
    chosen = {"block_documents": {"name": {"like_": "outer"}, "is_anonymous": {"eq_": False}}}
    await api.call("POST", "/block_documents/filter", body={**chosen, "include_secrets": True, "sort": "NAME_DESC"})
    await api.call("POST", "/block_documents/count", body={"block_types": {"slug": {"any_": [slug]}}})
    await api.call("GET", "/admin/storage")
    await api.call("PUT", "/admin/storage", body={"default_result_storage_block_id": inner["id"]})
    await api.call("DELETE", "/admin/storage")
    await api.call("DELETE", "/block_documents/{id}", id=block["id"])
    unused = await api.call("POST", "/block_schemas/", body={**wanted, "version": "2"})
    await api.call("DELETE", "/block_schemas/{id}", id=unused["id"])
    await api.call("DELETE", "/block_types/{id}", id=block_type["id"])


async def call_artifacts(api: Contract, run: dict[str, Any], task_run: dict[str, Any]) -> None:
    """Call the operations about artifacts."""
    key = f"k-{_mark()}"
    of_run = {"flow_run_id": run["id"], "task_run_id": task_run["id"]}
    made = await api.call("POST", "/artifacts/", body={"key": key, "type": "markdown", "data": "# x", **of_run})
    for type_name, data in (
        ("table", '[{"a": 1}]'),
        ("progress", 50.0),
        ("image", "https://example.org/x.png"),
        ("result", {"a": 1}),
        ("own", [1, 2]),
        (None, None),
    ):
        artifact = await api.call("POST", "/artifacts/", body={"type": type_name, "data": data})
        assert (artifact["type"], artifact["data"]) == (type_name, data)
    await api.call("GET", "/artifacts/{id}", id=made["id"])
    await api.call("PATCH", "/artifacts/{id}", body={"data": "# y", "metadata_": {"m": "1"}}, id=made["id"])
    await api.call("GET", "/artifacts/{key}/latest", key=key)
    chosen = {"artifacts": {"key": {"any_": [key]}, "type": {"not_any_": ["result"]}}}
    await api.call("POST", "/artifacts/filter", body={**chosen, "sort": "KEY_DESC", "limit": 3})
    await api.call("POST", "/artifacts/latest/filter", body={**chosen, "sort": "UPDATED_DESC"})
    await api.call("POST", "/artifacts/count", body={**chosen, "flow_runs": {"id": {"any_": [run["id"]]}}})
    await api.call("POST", "/artifacts/latest/count", body=chosen)
    await api.call("DELETE", "/artifacts/{id}", id=made["id"])


async def call_limits(api: Contract, task_run: dict[str, Any]) -> None:
    """Call the operations about concurrency limits, of both kinds."""
    tag = f"t-{_mark()}"
    limit = await api.call("POST", "/concurrency_limits/", body={"tag": tag, "concurrency_limit": 1})
    await api.call("GET", "/concurrency_limits/{id}", id=limit["id"])
    slot = {"names": [tag], "task_run_id": task_run["id"]}
    await api.call("POST", "/concurrency_limits/increment", body=slot)
    taken = await api.call("GET", "/concurrency_limits/tag/{tag}", tag=tag)
    assert taken["active_slots"] == [task_run["id"]]
    await api.call("POST", "/concurrency_limits/decrement", body=slot)
    await api.call("POST", "/concurrency_limits/filter", body={"limit": 200, "offset": 0})
    await api.call("POST", "/concurrency_limits/tag/{tag}/reset", body={"slot_override": [task_run["id"]]}, tag=tag)
    await api.call("DELETE", "/concurrency_limits/tag/{tag}", tag=tag)
    other = await api.call("POST", "/concurrency_limits/", body={"tag": tag, "concurrency_limit": 1})
    await api.call("DELETE", "/concurrency_limits/{id}", id=other["id"])

    name = f"l {_mark()}"
    made = await api.call("POST", "/v2/concurrency_limits/", body={"name": name, "limit": 2})
    await api.call("GET", "/v2/concurrency_limits/{id_or_name}", id_or_name=made["id"])
    await api.call("PATCH", "/v2/concurrency_limits/{id_or_name}", body={"limit": 3}, id_or_name=name)
    await api.call("POST", "/v2/concurrency_limits/filter", body={"limit": 10})
    take = {"names": [name], "slots": 1, "mode": "concurrency"}
    await api.call("POST", "/v2/concurrency_limits/increment", body=take)
    await api.call("POST", "/v2/concurrency_limits/decrement", body={"names": [name], "slots": 1})
    held = await api.call("POST", "/v2/concurrency_limits/increment-with-lease", body={**take, "lease_duration": 60})
    renewed = {"lease_duration": 120}
    of_lease = {"lease_id": held["lease_id"]}
    await api.call("POST", "/v2/concurrency_limits/leases/{lease_id}/renew", body=renewed, **of_lease)
    await api.call("POST", "/v2/concurrency_limits/decrement-with-lease", body=of_lease)
    await api.call("DELETE", "/v2/concurrency_limits/{id_or_name}", id_or_name=name)


async def call_events(api: Contract) -> None:
    """Call the operations about events and automations."""
    resource = {"prefect.resource.id": f"conform.{_mark()}", "prefect.resource.name": "n", "x": "y"}
    related = [{"prefect.resource.id": "prefect.flow.1", "prefect.resource.role": "flow"}]
    event = {"event": "conform.happened", "occurred": _now(), "resource": resource, "related": related, "payload": {}}
    events = [{**event, "id": str(uuid.uuid4())} for _ in range(3)]
    await api.call("POST", "/events", body=events)
    about = {"resource": {"id": [resource["prefect.resource.id"]]}, "event": {"prefix": ["conform."]}}
    page = await api.call("POST", "/events/filter", body={"filter": {**about, "order": "ASC"}, "limit": 2})
    assert page["total"] == 3
    token = page["next_page"].partition("page-token=")[2]
    following = await api.call("GET", "/events/filter/next", query={"page-token": token})
    assert len(following["events"]) == 1
    assert following["next_page"] is None
    for countable in ("day", "time", "event", "resource"):
        counted = {"filter": about, "time_unit": "week", "time_interval": 1.0}
        counts = await api.call("POST", "/events/count-by/{countable}", body=counted, countable=countable)
        assert sum(each["count"] for each in counts) == 3
    await _automations(api)
    for path in ("/templates/validate", "/automations/templates/validate"):
        await api.call("POST", path, body="{{ flow_run.name }}", status=204)


async def _automations(api: Contract) -> None:
    owner = f"prefect.deployment.{uuid.uuid4()}"
    trigger = {
        "type": "event",
        "posture": "Reactive",
        "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
        "match_related": {"prefect.resource.role": "flow", "prefect.resource.name": "f"},
        "expect": ["prefect.flow-run.Failed"],
        "for_each": ["prefect.resource.id"],
        "threshold": 2,
        "within": 60.0,
    }
    body = {
        "name": f"a-{_mark()}",
        "description": "d",
        "enabled": True,
        "tags": ["x"],
        "trigger": {"type": "compound", "triggers": [trigger, {**trigger, "threshold": 1}], "require": "any"},
        "actions": [
            {"type": "do-nothing"},
            {"type": "cancel-flow-run"},
            {"type": "change-flow-run-state", "state": "FAILED", "message": "m"},
            {"type": "run-deployment", "source": "selected", "deployment_id": str(uuid.uuid4())},
            {"type": "pause-deployment", "source": "inferred"},
            {"type": "pause-work-pool", "source": "inferred"},
            {"type": "resume-work-queue", "source": "inferred"},
            {"type": "suspend-flow-run"},
        ],
    }
    made = await api.call("POST", "/automations/", body={**body, "owner_resource": owner})
    shown = made["trigger"]["triggers"][0]
    assert {name: shown[name] for name in ("expect", "for_each", "threshold", "within")} == {
        name: trigger[name] for name in ("expect", "for_each", "threshold", "within")
    }
    of_it = {"id": made["id"]}
    await api.call("GET", "/automations/{id}", **of_it)
    await api.call("PUT", "/automations/{id}", body={**body, "trigger": trigger}, **of_it)
    await api.call("PATCH", "/automations/{id}", body={"enabled": False}, **of_it)
    chosen = {"automations": {"name": {"any_": [body["name"]]}, "tags": {"all_": ["x"]}}}
    await api.call("POST", "/automations/filter", body={**chosen, "sort": "CREATED_DESC", "limit": 5})
    await api.call("POST", "/automations/count", body=chosen)
    [related] = await api.call("GET", "/automations/related-to/{resource_id}", resource_id=owner)
    assert related["id"] == made["id"]
    await api.call("DELETE", "/automations/owned-by/{resource_id}", resource_id=owner)
    plain = {"name": "p", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    other = await api.call("POST", "/automations/", body=plain)
    await api.call("DELETE", "/automations/{id}", id=other["id"])


async def call_pages(api: Contract, made: dict[str, Any]) -> None:
    """Call the operations about the server and about the pages of Prefect's dashboard."""
    for path in ("/health", "/version", "/hello", "/ready", "/admin/settings", "/admin/version"):
        await api.call("GET", path)
    await api.call("GET", "/csrf-token", query={"client": "c"}, status=422)
    await api.call("GET", "/collections/views/{view}", view="aggregate-worker-metadata")
    flow_ids = {"flow_ids": [made["flow"]["id"], str(uuid.uuid4())]}
    await api.call("POST", "/ui/flows/count-deployments", body=flow_ids)
    await api.call("POST", "/ui/flows/next-runs", body=flow_ids)
    chosen = {"flow_runs": {"id": {"any_": [made["flow_run"]["id"]]}}}
    await api.call("POST", "/ui/flow_runs/history", body={**chosen, "limit": 10})
    await api.call("POST", "/ui/flow_runs/count-task-runs", body={"flow_run_ids": [made["flow_run"]["id"]]})
    since = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)).isoformat()
    dashboard = {"task_runs": {"start_time": {"after_": since}}}
    assert len(await api.call("POST", "/ui/task_runs/dashboard/counts", body=dashboard)) == 20
    await api.call("POST", "/ui/task_runs/count", body=chosen)
    await api.call("GET", "/ui/task_runs/{id}", id=made["task_run"]["id"])
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    told = await api.call("POST", "/ui/schemas/validate", body={"schema": schema, "values": {"n": "x"}})
    assert not told["valid"]
