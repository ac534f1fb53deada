from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from headrace_gateway.backends import SERVICE_OF
from headrace_gateway.contract import load_contract
from headrace_gateway.joining import JOINABLE
from headrace_gateway.openapi import document


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document(load_contract())


def walk(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in made["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def test_every_method_has_an_operation(made: dict[str, Any]) -> None:
    rules = sum(len(method.rules) for method in load_contract().methods)
    identifiers = [operation["operationId"] for _, _, operation in operations(made)]
    assert len(identifiers) == len(set(identifiers)) == rules
    assert {method.name for method in load_contract().methods} <= set(identifiers)


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    references = [part["$ref"] for part in walk(made) if "$ref" in part]
    assert references
    for reference in references:
        target: Any = made
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


def test_every_variable_of_a_path_is_a_parameter(made: dict[str, Any]) -> None:
    for path, _, operation in operations(made):
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert named == set(re.findall(r"\{([^}]+)\}", path))


def test_comments_become_descriptions(made: dict[str, Any]) -> None:
    get = made["paths"]["/v1/flow-runs/{flow_run_id}"]["get"]
    assert get["summary"] == "Returns one flow run"
    assert "PERMISSION_RUNS_VIEW" in get["description"]
    assert made["components"]["schemas"]["FlowRun"]["properties"]["tags"]["description"] == "Words to find it by."
    assert all(operation["summary"] for _, _, operation in operations(made))


def test_filters_are_parameters_of_lists(made: dict[str, Any]) -> None:
    parameters = {parameter["name"]: parameter for parameter in made["paths"]["/v1/flow-runs"]["get"]["parameters"]}
    assert parameters["filter.state_types"]["schema"]["items"] == {"$ref": "#/components/schemas/StateType"}
    assert parameters["filter.created.from"]["schema"]["format"] == "date-time"
    assert "filter.labels" not in parameters


def test_streams_name_both_forms(made: dict[str, Any]) -> None:
    content = made["paths"]["/v1/flow-runs:follow"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/x-ndjson", "text/event-stream"}


def test_a_version_of_a_large_integer_is_text(made: dict[str, Any]) -> None:
    assert made["components"]["schemas"]["State"]["properties"]["version"]["type"] == "string"


def test_internal_methods_are_not_in_the_public_contract() -> None:
    for method in load_contract().methods:
        assert method.path.startswith("/headrace.api.v1.")
        assert method.permission not in ("PERMISSION_INTERNAL", "PERMISSION_UNSPECIFIED")


def test_every_public_service_has_a_service_behind_it() -> None:
    assert {method.service for method in load_contract().methods} == set(SERVICE_OF)


def test_what_is_joined_exists_and_needs_the_same_permission() -> None:
    methods = {method.path: method for method in load_contract().methods}
    for joinable in JOINABLE:
        get, batch = methods[joinable.get], methods[joinable.batch]
        assert get.permission == batch.permission
        assert joinable.key in get.request.fields_by_name
        assert joinable.keys in batch.request.fields_by_name
        item = get.response.fields_by_name[joinable.item].message_type
        assert item == batch.response.fields_by_name[joinable.items].message_type
        assert item is not None
        assert joinable.key in item.fields_by_name


def test_no_stream_answers_with_a_field_that_its_error_line_has() -> None:
    streaming = [method for method in load_contract().methods if method.streams]
    assert streaming
    assert all("error" not in method.response.fields_by_name for method in streaming)
