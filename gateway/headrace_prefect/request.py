"""A request as handlers see it."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc.aio
import orjson

from headrace.api.v1 import flow_run_pb2
from headrace.rpc.status import from_rpc_error
from headrace_gateway.backends import Metadata
from headrace_prefect.answers import Fault, Invalid, Refusal
from headrace_prefect.bodies.fields import Body, Fields, parse
from headrace_prefect.services import Services

Sent = TypeVar("Sent")
Got = TypeVar("Got")

_MOST_PARAMETERS = 100
DEFAULT_LIMIT = 200
"""Of lists, where a request has none; and the most that it may ask for."""


class Request:
    """One request.

    Args:
        services: What handlers call.
        metadata: Who asks, for calls.
        path: The variables of the path by name.
        query: The part of the address behind the question mark.
        raw: The body.
        headers: Headers in lower case.
        deadline_seconds: How long each call may take.
        workspace: The workspace that the address names, if any.
        readiness: Returns what is not ready, in sentences.
    """

    def __init__(
        self,
        services: Services,
        metadata: Metadata,
        *,
        path: dict[str, str],
        query: bytes = b"",
        raw: bytes = b"",
        headers: dict[bytes, bytes] | None = None,
        deadline_seconds: float = 30.0,
        workspace: str | None = None,
        readiness: Callable[[], Awaitable[list[str]]] | None = None,
    ) -> None:
        self.services = services
        self.readiness = readiness
        self.metadata = metadata
        self.path = path
        self.headers = headers or {}
        self.workspace = workspace
        self.query_string = query
        self.raw = raw
        self._deadline_seconds = deadline_seconds

    async def call(self, method: grpc.aio.UnaryUnaryMultiCallable[Sent, Got], message: Sent) -> Got:
        """Return the answer of a service.

        Raises:
            errors.HeadraceError: It refused, or does not answer.
        """
        try:
            return await method(message, metadata=self.metadata, timeout=self._deadline_seconds)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def flow_run(self, message: flow_run_pb2.GetFlowRunRequest) -> flow_run_pb2.FlowRun:
        """Return a flow run, read together with those that are asked for at the same time; it is not to be changed.

        Raises:
            errors.HeadraceError: It is not there, or the service does not answer.
        """
        try:
            return await self.services.joined_flow_runs.item(message, self.metadata)  # type: ignore[no-any-return]
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    @functools.cached_property
    def json(self) -> Any:
        """The body as JSON, None without one.

        Raises:
            Invalid: It is not JSON.
        """
        if not self.raw:
            return None
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError as error:
            raise Invalid([Fault(("body",), f"JSON decode error: {error}", "json_invalid")]) from None

    @property
    def told(self) -> Any:
        """The body as JSON for those who read an error, None where it is none."""
        try:
            return self.json
        except Invalid:
            return None

    def body(self, fields: Fields) -> Body:
        """Return the body by a table of fields; without a body all fields are absent.

        Raises:
            Invalid: A field is missing or of another kind.
        """
        return parse(fields, self.json if self.json is not None else {})

    @functools.cached_property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter.

        Raises:
            Invalid: There are too many.
        """
        text = self.query_string.decode("latin-1")
        try:
            return dict(urllib.parse.parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
        except ValueError as error:
            raise Invalid([Fault(("query",), str(error), "too_many")]) from None

    def is_set(self, name: str, default: bool = False) -> bool:
        """Return a query parameter that says yes or no."""
        value = self.query.get(name)
        return default if value is None else value.lower() in ("true", "1", "yes", "on", "t", "y")

    def limit(self, body: Body) -> int:
        """Return how many things are asked for (`limit` of the body).

        Raises:
            Refusal: It is below 0 or above 200 (422).
        """
        limit = body.get("limit")
        if limit is None:
            return DEFAULT_LIMIT
        if limit < 0:
            raise Refusal(422, "Invalid limit: must be greater than or equal to 0.")
        if limit > DEFAULT_LIMIT:
            raise Refusal(422, f"Invalid limit: must be less than or equal to {DEFAULT_LIMIT}.")
        return int(limit)
