"""Every operation of Prefect's own document, with valid and with invalid input."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from headrace_harness.prefect_contract import Contract, Operation, load_document, operations
from headrace_harness.prefect_run_calls import call_deployments, call_runs
from headrace_harness.prefect_thing_calls import (
    call_artifacts,
    call_blocks,
    call_events,
    call_limits,
    call_pages,
    call_variables,
)
from headrace_harness.servers import Addresses

logger = logging.getLogger(__name__)

REFUSED = {400, 403, 404, 405, 409, 422}

ABSENT_IS_FINE = {
    # A lease that is gone has nothing to give back, and nothing owned by nobody is left.
    ("DELETE", "/automations/owned-by/{resource_id}"),
    ("GET", "/automations/related-to/{resource_id}"),
    ("GET", "/deployments/{id}/work_queue_check"),
    ("GET", "/flow_runs/{id}/logs/download"),
    ("POST", "/flow_runs/{id}/input/filter"),
    ("POST", "/ui/task_runs/count"),
}
"""Operations that answer well where there is nothing."""

WRONG_VALUES: tuple[Any, ...] = ("x" * 3, -1, 1.5, True, [], ["x"], {}, {"any_": "x"}, {"x": {"y": [1]}})


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the installed Prefect says of its API."""
    return load_document(tmp_path_factory.mktemp("document"))


@pytest.fixture
async def api(document: dict[str, Any], addresses: Addresses) -> AsyncIterator[Contract]:
    """Calls the API by the document."""
    async with httpx.AsyncClient(base_url=f"{addresses.http_url}/api/", timeout=60) as client:
        yield Contract(document, client)


def _told(api: Contract) -> str:
    return "\n".join(map(str, api.deviations))


async def test_every_operation_with_valid_input_answers_as_the_document_says(
    document: dict[str, Any], api: Contract
) -> None:
    """Things are created, read, found, changed and deleted; every answer fits the schema of its operation."""
    made = await call_runs(api)
    await call_deployments(api, made["flow"])
    await call_variables(api)
    await call_blocks(api)
    await call_artifacts(api, made["flow_run"], made["task_run"])
    await call_limits(api, made["task_run"])
    await call_events(api)
    await call_pages(api, made)
    missing = sorted(set(operations(document)) - api.called)
    failed = {deviation.operation for deviation in api.deviations}
    logger.info("%d operations called, %d of them valid", len(api.called), len(api.called - failed))
    assert not missing
    assert not api.deviations, _told(api)


async def test_invalid_input_is_refused_and_never_an_error_of_the_server(
    document: dict[str, Any], api: Contract
) -> None:
    """Bodies of another kind, values of another kind in each field, ids of nothing, and ids that are none."""
    for operation in operations(document):
        method, path = operation
        values = {name: str(uuid.uuid4()) for name in _variables(path)}
        schema = api.body_schema(operation)
        if schema is not None:
            await _wrong_bodies(api, operation, schema, values)
        if values and operation not in ABSENT_IS_FINE and schema is None:
            allowed = REFUSED | ({410} if "lease" in path else set())
            await api.refuse(method, path, allowed, **values)
            if "{id}" in path and path.count("{") == 1:
                await api.refuse(method, path, {404, 405, 422}, id="no-id")
    assert not api.deviations, _told(api)


async def _wrong_bodies(api: Contract, operation: Operation, schema: dict[str, Any], values: dict[str, str]) -> None:
    method, path = operation
    kind = schema.get("type")
    for body in ("x", 5, ["x"], {"x": 1}, None):
        is_right = {"string": isinstance(body, str), "object": isinstance(body, dict), "array": isinstance(body, list)}
        if body is None or is_right.get(str(kind)):
            await api.probe(method, path, body=body, **values)
        else:
            await api.refuse(method, path, REFUSED, body=body, **values)
    for name, required in _fields(schema):
        for value in WRONG_VALUES:
            await api.probe(method, path, body={name: value}, **values)
        if required:
            await api.refuse(method, path, REFUSED, body={}, **values)


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for name in schema.get("properties", {}):
        yield name, name in schema.get("required", ())


def _variables(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
