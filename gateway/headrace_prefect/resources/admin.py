"""`/admin`, `/saved_searches`, `/collections`: settings of the server, and what is kept for its pages.

The default storage of results and saved searches are variables of the workspace: everybody can see and change them.
"""

from __future__ import annotations

import uuid
from typing import Any

from headrace import errors
from headrace.api.v1 import block_pb2, variable_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies.fields import Body, Field, anything, at_least, identifier, integer, list_of, nested, string
from headrace_prefect.request import DEFAULT_LIMIT, Request
from headrace_prefect.resources.block_documents import find_blocks
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars

STORAGE = "default-result-storage"
"""The variable with the id of the block that results are stored with."""
SEARCH = "saved-search-"
SEARCH_TAG = "saved-search"

_STORES = "write-path"
_STORAGE = {"default_result_storage_block_id": Field(identifier, required=True)}
_FILTER = nested(
    {
        "object": Field(string, required=True),
        "property": Field(string, required=True),
        "type": Field(string, required=True),
        "operation": Field(string, required=True),
        "value": Field(anything),
    }
)
_SEARCH = {"name": Field(string, required=True), "filters": Field(list_of(_FILTER), default=list)}


def _type(
    name: str, package: str, shown: str, described: str, template: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "type": name,
        "display_name": shown,
        "description": described,
        "is_beta": False,
        "install_command": f"pip install {package}",
        "documentation_url": f"https://docs.prefect.io/v3/concepts/work-pools#{name}",
        "logo_url": "",
        "default_base_job_configuration": template or {},
    }


_WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
PROCESS_TEMPLATE: dict[str, Any] = {
    "job_configuration": {
        name: f"{{{{ {name} }}}}" for name in ("command", "env", "labels", "name", "stream_output", "working_dir")
    },
    "variables": {
        "type": "object",
        "properties": {
            "name": {"title": "Name", "type": "string", "description": "Of the process."},
            "env": {"title": "Environment variables", "description": "Set for the process.", **_WORDS},
            "labels": {"title": "Labels", "description": "Of the process.", **_WORDS},
            "command": {"title": "Command", "type": "string", "description": "In place of the worker's own."},
            "stream_output": {
                "title": "Show output",
                "type": "boolean",
                "default": True,
                "description": "Whether the worker repeats what the process prints.",
            },
            "working_dir": {
                "title": "Working directory",
                "type": "string",
                "format": "path",
                "description": "Where the process starts; a new folder without it.",
            },
        },
    },
}
"""What Prefect's process workers fill in."""
# Workers of the other types bring their templates along, and put them into pools that have none.
_TYPES = (
    ("prefect", "process", "Process", "Runs flows in processes of the worker's machine."),
    ("prefect-docker", "docker", "Docker", "Runs flows in containers of Docker."),
    ("prefect-kubernetes", "kubernetes", "Kubernetes", "Runs flows as jobs of Kubernetes."),
    ("prefect-aws", "ecs", "AWS ECS", "Runs flows as tasks of Amazon's Elastic Container Service."),
    ("prefect-azure", "azure-container-instance", "Azure Container Instances", "Runs flows in containers of Azure."),
    ("prefect-gcp", "cloud-run", "Google Cloud Run", "Runs flows as jobs of Google Cloud Run."),
    ("prefect-gcp", "cloud-run-v2", "Google Cloud Run V2", "Runs flows as jobs of the second Google Cloud Run."),
    ("prefect-gcp", "vertex-ai", "Google Vertex AI", "Runs flows as custom jobs of Google Vertex AI."),
)
_TEMPLATES = {"process": PROCESS_TEMPLATE}


def _types() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for package, name, shown, described in _TYPES:
        found.setdefault(package, {})[name] = _type(name, package, shown, described, _TEMPLATES.get(name))
    return found


_VIEWS: dict[str, dict[str, Any]] = {
    "aggregate-worker-metadata": _types(),
    "aggregate-block-metadata": {},
    "aggregate-flow-metadata": {},
    "demo-flows": {},
}


async def read_settings(request: Request) -> Answer:
    """Return the settings that say something to a client."""
    return ok({"server": {"api": {"default_limit": DEFAULT_LIMIT, "csrf_protection_enabled": False}}})


async def read_default_result_storage(request: Request) -> Answer:
    """Return the block that results are stored with where nothing else is said."""
    variable = await _find(request, STORAGE)
    chosen = scalars.of_value(variable.value) if variable is not None else None
    return ok({"default_result_storage_block_id": chosen if isinstance(chosen, str) else None})


async def update_default_result_storage(request: Request) -> Answer:
    """Choose the block that results are stored with."""
    block_id = request.body(_STORAGE)["default_result_storage_block_id"]
    block = (await find_blocks(request, [block_id])).get(block_id)
    if block is None:
        raise Refusal(404, f"Block document {block_id} not found.")
    page = await request.call(
        request.services.blocks.ListBlockSchemas,
        block_pb2.ListBlockSchemasRequest(block_schema_ids=[block.schema.block_schema_id]),
    )
    if not any(_STORES in schema.capabilities for schema in page.schemas):
        raise Refusal(422, f"Block document {block_id} cannot be used for result storage.")
    await _set(request, STORAGE, block_id)
    return ok({"default_result_storage_block_id": block_id})


async def clear_default_result_storage(request: Request) -> Answer:
    """Store results where the client says."""
    await _remove(request, STORAGE)
    return no_content()


async def create_saved_search(request: Request) -> Answer:
    """Keep a search, in place of one with its name."""
    body = request.body(_SEARCH)
    known = [each for each in await _searches(request) if _search(each)["name"] == body["name"]]
    search_id = known[0].name.removeprefix(SEARCH) if known else str(uuid.uuid4())
    value = {"name": body["name"], "filters": [dict(each) for each in body["filters"]]}
    variable = await _set(request, SEARCH + search_id, value, [SEARCH_TAG])
    return made(_search(variable), is_new=not known)


async def read_saved_search(request: Request) -> Answer:
    """Return a search."""
    variable = await _find(request, SEARCH + request.path["id"])
    if variable is None:
        raise not_found("Saved search")
    return ok(_search(variable))


async def read_saved_searches(request: Request) -> Answer:
    """Return the searches by name."""
    body = request.body({"limit": Field(integer), "offset": Field(at_least(0), default=0)})
    limit, offset = request.limit(body), body["offset"]
    searches = sorted(map(_search, await _searches(request)), key=lambda each: str(each["name"]))
    return ok(searches[offset : offset + limit])


async def delete_saved_search(request: Request) -> Answer:
    """Delete a search."""
    if not await _remove(request, SEARCH + request.path["id"]):
        raise not_found("Saved search")
    return no_content()


async def read_view_content(request: Request) -> Answer:
    """Return what is known about types of workers; of blocks and flows in packages of others nothing is."""
    view = _VIEWS.get(request.path["view"])
    if view is None:
        raise Refusal(404, f"View {request.path['view']} not found in registry")
    return ok(view)


async def _searches(request: Request) -> list[variable_pb2.Variable]:
    asked = variable_pb2.ListVariablesRequest(tags_all=[SEARCH_TAG])
    return await lists.every(
        request,
        request.services.variables.ListVariables,
        asked,
        "variables",
        keep=lambda variable: variable.name.startswith(SEARCH),
    )


def _search(variable: variable_pb2.Variable) -> dict[str, Any]:
    value: Any = scalars.of_value(variable.value)
    kept: Any = Body(value) if isinstance(value, dict) else {}
    return {
        "id": variable.name.removeprefix(SEARCH),
        "created": scalars.moment(variable, "created_at"),
        "updated": scalars.moment(variable, "updated_at"),
        "name": str(kept.get("name", "")),
        "filters": kept.get("filters") or [],
    }


async def _find(request: Request, name: str) -> variable_pb2.Variable | None:
    try:
        answer = await request.call(request.services.variables.GetVariable, variable_pb2.GetVariableRequest(name=name))
    except errors.NotFound:
        return None
    return answer.variable


async def _set(request: Request, name: str, value: Any, tags: list[str] | None = None) -> variable_pb2.Variable:
    answer = await request.call(
        request.services.variables.SetVariable,
        variable_pb2.SetVariableRequest(name=name, value=scalars.to_value(value), tags=tags, overwrite=True),
    )
    return answer.variable


async def _remove(request: Request, name: str) -> bool:
    try:
        await request.call(request.services.variables.DeleteVariable, variable_pb2.DeleteVariableRequest(name=name))
    except errors.NotFound:
        return False
    return True


ROUTES = (
    Route("GET", "/admin/settings", read_settings),
    Route("GET", "/admin/storage", read_default_result_storage),
    Route("PUT", "/admin/storage", update_default_result_storage),
    Route("DELETE", "/admin/storage", clear_default_result_storage),
    Route("PUT", "/saved_searches/", create_saved_search),
    Route("POST", "/saved_searches/filter", read_saved_searches),
    Route("GET", "/saved_searches/{id:uuid}", read_saved_search),
    Route("DELETE", "/saved_searches/{id:uuid}", delete_saved_search),
    Route("GET", "/collections/views/{view}", read_view_content),
)
