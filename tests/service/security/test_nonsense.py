"""Nonsense on every route of the document: it is refused, as the document says, without a word of the inside."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from headrace_harness.stack import Stack, running_stack

INSIDE = ("Traceback", "site-packages", "asyncpg", "sqlalchemy", "/lib/python", "headrace_state.", 'relation "')
ENDLESS = ("Follow", "Watch", "WaitFor")
TRIES = 3
AT_ONCE = 16
TEXTS = (
    "",
    "a",
    "00000000-0000-7000-8000-00000000dead",
    "\x00",
    "'; drop table flow;--",
    "\ud7ff%00",
    "x" * 5000,
    "../..",
    "-1",
)
VALUES: tuple[Any, ...] = (None, True, 0, -1, 2**63, 1e308, "", "x", "\x00", "9" * 400, [], [[]], {}, {"a": {}}, "NaN")


@pytest.fixture
async def stack(database_url: str) -> AsyncIterator[Stack]:
    async with running_stack(database_url) as made:
        yield made


class Nonsense:
    """Makes requests that hardly fit, the same ones each time."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self._random = random.Random(7)

    def path(self, template: str) -> str:
        while "{" in template:
            before, _, rest = template.partition("{")
            template = before + quote(self._random.choice(TEXTS) or "-", safe="") + rest.partition("}")[2]
        return template

    def query(self, parameters: list[dict[str, Any]]) -> dict[str, str]:
        named = [each["name"] for each in parameters if each["in"] == "query"]
        chosen = self._random.sample(named, min(len(named), 3))
        return {name: str(self._random.choice(VALUES)) for name in chosen}

    def body(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        if self._random.random() < 0.2 or depth > 3 or "properties" not in schema:
            return self._random.choice(VALUES) if depth else {"no_such_field": 1}
        properties = list(schema["properties"].items())
        chosen = self._random.sample(properties, min(len(properties), 4))
        return {name: self.body(each, depth + 1) for name, each in chosen}


async def test_nonsense_is_refused_without_a_word_of_the_inside(stack: Stack) -> None:
    document = (await stack.http.get("/openapi.json")).json()
    nonsense = Nonsense(document)
    limit = asyncio.Semaphore(AT_ONCE)
    faults: list[str] = []

    async def send(verb: str, path: str, operation: dict[str, Any]) -> None:
        target = nonsense.path(path)
        query = nonsense.query(operation["parameters"])
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        content = json.dumps(nonsense.body(schema)) if schema is not None else None
        headers = {"content-type": "application/json"} if content is not None else {}
        async with limit:
            answer = await stack.http.request(verb, target, params=query, content=content, headers=headers)
        if fault := judge(document, operation, answer):
            faults.append(f"{verb} {answer.request.url} {content}: {fault}")

    await asyncio.gather(
        *(
            send(verb.upper(), path, operation)
            for path, operations in document["paths"].items()
            for verb, operation in operations.items()
            if not operation["operationId"].startswith(ENDLESS)
            for _ in range(TRIES)
        )
    )
    assert faults == []


def judge(document: dict[str, Any], operation: dict[str, Any], answer: httpx.Response) -> str:
    """Return what is wrong with an answer, "" if nothing is."""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:500]}"
    if found := [word for word in INSIDE if word in answer.text]:
        return f"tells of the inside: {found}"
    if answer.headers.get("content-type", "") != "application/json":
        return "" if answer.status_code == 200 else f"{answer.status_code} {answer.headers.get('content-type')}"
    which = operation["responses"]["200"] if answer.status_code == 200 else document["components"]["responses"]["Error"]
    schema = which["content"].get("application/json", {}).get("schema")
    if schema is None:
        return ""
    try:
        jsonschema.validate(answer.json(), {**schema, "components": document["components"]})
    except jsonschema.ValidationError as error:
        return f"is not what the document says: {error.message[:300]}"
    return ""
