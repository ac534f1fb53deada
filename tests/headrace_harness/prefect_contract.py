"""The document in which Prefect's server describes its API, and calls that are held against it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from headrace_harness.prefect_client import PYTHON
from headrace_harness.prefect_source import prefect_environment

_WRITE = """
import json, sys
from prefect.server.api.server import create_app
json.dump(create_app(ephemeral=True).openapi(), open(sys.argv[1], "w"))
"""
_SECONDS = 300
_METHODS = ("get", "put", "post", "patch", "delete")
# Creating answers with 201 what the document calls 200, as Prefect's own server does.
_ALSO = {200: {200, 201}, 201: {200, 201}}

Operation = tuple[str, str]
"""Method and path."""


def load_document(folder: pathlib.Path) -> dict[str, Any]:
    """Return the document of the installed Prefect, made by itself."""
    target = folder / "openapi.json"
    subprocess.run(
        [str(PYTHON), "-c", _WRITE, str(target)],
        check=True,
        cwd=folder,
        env=prefect_environment(folder),
        timeout=_SECONDS,
    )
    document: dict[str, Any] = json.loads(target.read_text())
    return document


def operations(document: dict[str, Any]) -> list[Operation]:
    """Return all operations of a document."""
    return [
        (method.upper(), path) for path, found in document["paths"].items() for method in found if method in _METHODS
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class Deviation:
    """An answer that is not as the document says."""

    operation: Operation
    status: int
    told: str

    def __str__(self) -> str:
        return f"{' '.join(self.operation)} -> {self.status}: {self.told}"


class Contract:
    """Calls operations by the document, and notes which were called and what was not as it says.

    Args:
        document: What Prefect's server says of itself.
        client: Calls; its base is the API's address.
    """

    def __init__(self, document: dict[str, Any], client: httpx.AsyncClient) -> None:
        self._document = document
        self._client = client
        self.called: set[Operation] = set()
        self.deviations: list[Deviation] = []

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = ...,
        query: Any = None,
        status: Any = None,
        **values: str,
    ) -> Any:
        """Call an operation with valid input and return its answer; None where it has no body.

        Args:
            method: The HTTP method.
            path: As the document has it.
            body: The JSON that is sent.
            query: What stands behind the question mark, by name.
            status: The expected status, a number; by default the one that the document names.
            values: What stands for the variables of the path.
        """
        operation = (method, path)
        described = self._document["paths"][path][method.lower()]
        answer = await self._send(method, path.format_map(values), body, query)
        self.called.add(operation)
        expected = status or min(int(code) for code in described["responses"] if code.startswith("2"))
        if answer.status_code not in _ALSO.get(expected, {expected}):
            self._note(operation, answer.status_code, f"instead of {expected}: {answer.text[:600]}")
            return None
        if not answer.content or "json" not in answer.headers.get("content-type", ""):
            return answer.text or None
        value = answer.json()
        code = next((code for code in (str(answer.status_code), str(expected)) if code in described["responses"]), "")
        schema = described["responses"].get(code, {}).get("content", {}).get("application/json", {}).get("schema")
        # Errors are told in sentences, which the document does not describe.
        if schema is not None and answer.is_success:
            for fault in self.faults(schema, value):
                self._note(operation, answer.status_code, fault)
        return value

    def faults(self, schema: dict[str, Any], value: Any) -> Iterator[str]:
        """Yield what does not fit a schema of the document."""
        whole = {**schema, "components": self._document["components"]}
        validator = Draft202012Validator(whole, format_checker=FormatChecker())
        for error in list(validator.iter_errors(value))[:3]:
            yield f"{error.json_path}: {error.message[:300]}"

    async def refuse(self, method: str, path: str, allowed: set[int], *, body: Any = ..., **values: str) -> None:
        """Call an operation with invalid input, and note it where it is not refused with an error of the client."""
        answer = await self._send(method, path.format_map(values), body, None)
        if answer.status_code not in allowed:
            self._note((method, path), answer.status_code, f"instead of {sorted(allowed)}, with {str(body)[:200]}")
        elif answer.status_code == 422 and body is not ... and answer.content:
            told = answer.json()
            if "exception_detail" not in told and "detail" not in told and "error" not in told:
                self._note((method, path), 422, f"has neither detail nor exception_detail: {answer.text[:200]}")

    async def probe(self, method: str, path: str, *, body: Any = ..., **values: str) -> None:
        """Call an operation with input of the wrong kind, and note an error of the server."""
        answer = await self._send(method, path.format_map(values), body, None)
        if answer.status_code >= 500:
            self._note((method, path), answer.status_code, f"with {str(body)[:200]}: {answer.text[:200]}")

    def body_schema(self, operation: Operation) -> dict[str, Any] | None:
        """Return the schema of an operation's body with its first references resolved, None without a body."""
        method, path = operation
        described = self._document["paths"][path][method.lower()].get("requestBody")
        if described is None:
            return None
        schema: dict[str, Any] = described["content"]["application/json"]["schema"]
        while "$ref" in schema or "anyOf" in schema or "allOf" in schema:
            if "$ref" in schema:
                schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            else:
                schema = (schema.get("anyOf") or schema["allOf"])[0]
        return schema

    async def _send(self, method: str, path: str, body: Any, query: dict[str, str] | None) -> httpx.Response:
        return await self._client.request(
            method, path.lstrip("/"), params=query, **({} if body is ... else {"json": body})
        )

    def _note(self, operation: Operation, status: int, told: str) -> None:
        self.deviations.append(Deviation(operation, status, told))
