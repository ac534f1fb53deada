"""The HTTP form of all public methods: one path from request to answer, no code for any method."""

from __future__ import annotations

import dataclasses
import functools
import logging
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc.aio
import orjson
from google.protobuf import descriptor
from google.rpc import status_pb2

from headrace import errors
from headrace_gateway import failures, streams
from headrace_gateway.backends import Backends, Metadata
from headrace_gateway.contract import Contract, PublicMethod
from headrace_gateway.http import JSON, NO_STORE, ClientGone, Receive, Scope, Send, TooLarge, header, read_body, respond
from headrace_gateway.joining import JOINABLE, Joiner, is_traced
from headrace_gateway.metadata import metadata_of
from headrace_gateway.routes import Found, Routes, Setter, parse_template
from headrace_gateway.sessions import Sessions, is_about_sessions
from headrace_gateway.sharing import MOST_BYTES, Sharer
from headrace_gateway.transcoding.decoder import Decoders, Parameters
from headrace_gateway.transcoding.encoder import Encoders
from headrace_gateway.transcoding.wellknown import Encode

logger = logging.getLogger(__name__)

PREFIX = "/v1/"
ROUTE = "headrace.route"
"""Where a request's scope names the method that it was for."""
MAX_STREAMS = 2_000
"""Streams of one server process at a time."""
MAX_QUERY_PARAMETERS = 1_000

_HEADERS = [
    JSON,
    NO_STORE,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


@dataclasses.dataclass(frozen=True, slots=True)
class _Binding:
    """One HTTP form of a method, compiled."""

    method: PublicMethod
    has_body: bool
    body_field: descriptor.FieldDescriptor | None
    """The field that the body fills; None for the whole request."""
    variables: tuple[Setter, ...]
    parameters: Parameters
    encode: Encode
    is_about_sessions: bool


class Api:
    """Answers requests below `/v1/`.

    Args:
        contract: The public methods.
        backends: Calls them.
        max_body_bytes: The largest body that is taken.
        internal_token: Proves to services that the gateway tells where a request came from.
        sessions: Turns sessions into cookies.
    """

    def __init__(
        self,
        contract: Contract,
        backends: Backends,
        *,
        max_body_bytes: int,
        internal_token: str | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._sessions = sessions or Sessions()
        self._internal_token = internal_token
        self._backends = backends
        self._max_body_bytes = max_body_bytes
        self._decoders = Decoders()
        encoders = Encoders()
        self._encode_status = encoders.of(status_pb2.Status.DESCRIPTOR)
        self._routes: Routes[_Binding] = Routes()
        for method in contract.methods:
            parameters = Parameters(method.request)
            for rule in method.rules:
                template = parse_template(rule.template)
                binding = _Binding(
                    method=method,
                    has_body=bool(rule.body),
                    body_field=None if rule.body in ("", "*") else method.request.fields_by_name[rule.body],
                    variables=tuple(parameters.setter(variable) for variable in template.variables),
                    parameters=parameters,
                    encode=encoders.of(method.response),
                    is_about_sessions=is_about_sessions(method.response),
                )
                self._routes.add(rule.verb, template, binding)
        by_path = {method.path: method for method in contract.methods}
        self._joiners = {
            joinable.get: Joiner(
                joinable,
                functools.partial(backends.call, by_path[joinable.get]),
                functools.partial(backends.call, by_path[joinable.batch]),
            )
            for joinable in JOINABLE
        }
        self._sharer: Sharer[bytes] = Sharer()
        self._streams = streams.Streams(MAX_STREAMS, self._encode_status)

    def drain(self) -> None:
        """Tell all streams to end."""
        self._streams.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except ClientGone:
            return
        except TooLarge as error:
            await self.refuse(send, failures.of_error(error, 413), [(b"connection", b"close")])
        except errors.HeadraceError as error:
            await self.refuse(send, failures.of_error(error))
        except grpc.aio.AioRpcError as error:
            await self.refuse(send, failures.of_call(error))

    async def refuse(self, send: Send, failure: failures.Failure, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Send a failure."""
        body = failures.body(failure, self._encode_status)
        await respond(send, failure.http_status, body, [*_HEADERS, *failure.headers, *headers])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope)
        if found is None:
            error = errors.NotFound(f"there is nothing at {scope['path']}", reason="ROUTE_NOT_FOUND")
            await self.refuse(send, failures.of_error(error))
            return
        verb = "GET" if scope["method"] == "HEAD" else scope["method"]
        binding = found.by_method.get(verb)
        if binding is None:
            allowed = ", ".join(sorted(found.by_method))
            refused = errors.Unimplemented(f"use {allowed} here", reason="METHOD_NOT_ALLOWED")
            await self.refuse(send, failures.of_error(refused, 405), [(b"allow", allowed.encode())])
            return
        scope[ROUTE] = binding.method.name
        request = binding.method.request_class()
        if binding.has_body:
            await self._read(binding, request, scope, receive)
        if scope["query_string"]:
            _set_query(binding.parameters, request, scope["query_string"])
        for setter, value in zip(binding.variables, found.values, strict=True):
            setter(request, value)
        metadata = metadata_of(scope, found.workspace, self._internal_token)
        if binding.method.streams:
            call = self._backends.stream(binding.method, request, metadata)
            if binding.method.is_document:
                await self._streams.serve_document(call, receive, send)
                return
            form = streams.choose(header(scope, b"accept"))
            await self._streams.serve(call, form, binding.encode, receive, send)
            return
        joiner = self._joiners.get(binding.method.path)
        if joiner is not None:
            response = await joiner.call(request, metadata)
            await respond(send, 200, orjson.dumps(binding.encode(response)), _HEADERS)
            return

        if binding.is_about_sessions:
            response = await self._backends.call(binding.method, request, metadata)
            headers = self._sessions.headers(scope, response)
            await respond(send, 200, orjson.dumps(binding.encode(response)), [*_HEADERS, *headers])
            return

        async def ask() -> bytes:
            return orjson.dumps(binding.encode(await self._backends.call(binding.method, request, metadata)))

        body = await self._share(binding, verb, request, metadata, ask)
        await respond(send, 200, body, _HEADERS)

    async def _share(
        self, binding: _Binding, verb: str, request: Any, metadata: Metadata, ask: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        # What may be sent with GET changes nothing; a traced request keeps a trace of its own.
        if verb != "GET" or is_traced(metadata) or request.ByteSize() > MOST_BYTES:
            return await ask()
        return await self._sharer.answer((binding.method.path, request.SerializeToString(), metadata), ask)

    def _find(self, scope: Scope) -> Found[_Binding] | None:
        path = scope["raw_path"].decode("ascii", errors="replace").partition("?")[0]
        try:
            return self._routes.find(path)
        except UnicodeDecodeError:
            raise errors.InvalidArgument("the address is not encoded as UTF-8", reason="ADDRESS_MALFORMED") from None

    async def _read(self, binding: _Binding, request: Any, scope: Scope, receive: Receive) -> None:
        body = await read_body(scope, receive, self._max_body_bytes)
        if not body:
            return
        media_type = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
        # What a form of another site's page can send is never taken for JSON.
        if media_type != b"application/json" and not (
            media_type.startswith(b"application/") and media_type.endswith(b"+json")
        ):
            raise errors.InvalidArgument.of_field(
                "Content-Type", "must be application/json", reason="CONTENT_TYPE_NOT_JSON"
            )
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise errors.InvalidArgument(f"the body is not JSON: {error}", reason="BODY_NOT_JSON") from None
        if binding.body_field is None:
            self._decoders.fill(request, value)
        else:
            self._decoders.fill_field(request, binding.body_field, value)


def _set_query(parameters: Parameters, request: Any, query: bytes) -> None:
    try:
        pairs = urllib.parse.parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_PARAMETERS
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise errors.InvalidArgument(f"the query is malformed: {error}", reason="ADDRESS_MALFORMED") from None
    for name, value in pairs:
        parameters.setter(name)(request, value)
