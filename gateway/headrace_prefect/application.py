"""The ASGI application: from a request below `/api` to a handler and its answer."""

from __future__ import annotations

import dataclasses
import functools
import logging
import re
from collections.abc import Awaitable, Callable, Iterable

import orjson

from headrace import errors
from headrace_gateway.api import ROUTE
from headrace_gateway.http import ClientGone, Receive, Scope, Send, TooLarge, header, read_body, respond
from headrace_gateway.joining import is_traced
from headrace_gateway.metadata import metadata_of
from headrace_gateway.sharing import MOST_BYTES, Sharer
from headrace_prefect.answers import JSON, Answer, Invalid, Refusal, of_error
from headrace_prefect.credentials import authorization_of_header
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.routing import Router
from headrace_prefect.services import Services
from headrace_prefect.sockets import handshake
from headrace_prefect.sockets.socket import Room, SocketRoute

logger = logging.getLogger(__name__)

PREFIX = "/api/"
VERSION_HEADER = b"x-prefect-api-version"
MOST_SOCKETS = 4_000
"""Websockets of one process at a time."""

_WEBSOCKET = "WEBSOCKET"
_NO_STORE = (b"cache-control", b"no-store")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
# The form of addresses in Prefect's cloud; what stands behind it is the same API for one workspace.
_CLOUD = re.compile(rb"accounts/([^/]+)/workspaces/([^/]+)/(?=.)")


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may ask for."""

    body_bytes: int
    deadline_seconds: float


class Application:
    """Answers what is below `/api/`.

    Args:
        services: What handlers call.
        routes: All operations.
        sockets: All websockets.
        limits: How much a request may ask for.
        readiness: Returns what is not ready, in sentences.
        internal_token: Proves to services that the gateway tells where a request came from.
    """

    def __init__(
        self,
        services: Services,
        routes: Iterable[Route],
        sockets: Iterable[SocketRoute],
        limits: Limits,
        readiness: Callable[[], Awaitable[list[str]]],
        internal_token: str | None = None,
    ) -> None:
        self._services = services
        self._limits = limits
        self._readiness = readiness
        self._internal_token = internal_token
        self._routes: Router[Route] = Router((route.method, route.path, route) for route in routes)
        self._sockets: Router[SocketRoute] = Router((_WEBSOCKET, socket.path, socket) for socket in sockets)
        self._sharer: Sharer[Answer] = Sharer()
        self._open_sockets = 0
        self._room = Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or serve one websocket."""
        if scope["type"] == "websocket":
            await self._serve(scope, receive, send)
            return
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        await respond(send, answer.status, answer.body, [_NO_STORE, _NOSNIFF, *answer.headers])

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, workspace = _below(scope)
        found = self._routes.find(path)
        if found is None:
            return Refusal(404, "Not Found").answer()
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = found.by_method.get(method)
        if route is None:
            allowed = ", ".join(sorted(found.by_method)).encode()
            return Refusal(405, "Method Not Allowed", ((b"allow", allowed),)).answer()
        scope[ROUTE] = route.name
        request: Request | None = None
        try:
            _check_version(scope)
            authorization = authorization_of_header(scope)
            request = Request(
                self._services,
                metadata_of(scope, workspace, self._internal_token, authorization=authorization),
                path=found.values,
                query=scope["query_string"],
                raw=await _body(scope, receive, self._limits.body_bytes),
                headers=dict(scope["headers"]),
                deadline_seconds=self._limits.deadline_seconds,
                workspace=workspace,
                readiness=self._readiness,
            )
            return await self._handle(route, request)
        except Refusal as refusal:
            return refusal.answer()
        except Invalid as invalid:
            return invalid.answer(request.told if request is not None else None)
        except TooLarge as error:
            return Refusal(413, error.message, ((b"connection", b"close"),)).answer()
        except errors.HeadraceError as error:
            return of_error(error, request.told if request is not None else None)
        except Exception:
            logger.exception("%s failed", route.name)
            return Answer(500, orjson.dumps({"exception_message": "Internal Server Error"}), (JSON,))

    async def _handle(self, route: Route, request: Request) -> Answer:
        # Long questions are hardly ever the same, and a traced request keeps a trace of its own.
        if not route.only_asks or len(request.raw) > MOST_BYTES or is_traced(request.metadata):
            return await route.handler(request)
        key = (route.name, *request.path.values(), request.query_string, request.raw, request.metadata)
        return await self._sharer.answer(key, functools.partial(route.handler, request))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, workspace = _below(scope)
        found = self._sockets.find(path)
        if found is None or self._open_sockets >= MOST_SOCKETS:
            # A client takes a refusal before the handshake for "there is no such socket", and 503 for "come back".
            status = 404 if found is None else 503
            await receive()
            await send({"type": "websocket.http.response.start", "status": status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        self._open_sockets += 1
        try:
            await handshake.serve(
                found.by_method[_WEBSOCKET].handler,
                self._services,
                scope,
                receive,
                send,
                path=found.values,
                workspace=workspace,
                internal_token=self._internal_token,
                deadline_seconds=self._limits.deadline_seconds,
                room=self._room,
            )
        finally:
            self._open_sockets -= 1


def _below(scope: Scope) -> tuple[str, str | None]:
    """Return the path below the prefix, as it came, and the workspace that it names."""
    raw = scope["raw_path"].partition(b"?")[0].removeprefix(PREFIX.encode())
    cloud = _CLOUD.match(raw)
    if cloud is None:
        return raw.decode("latin-1"), None
    return raw[cloud.end() :].decode("latin-1"), cloud[2].decode("latin-1")


def _check_version(scope: Scope) -> None:
    """Take any version of the client's API that is one: what is newer or older is served as well as it can be."""
    value = header(scope, VERSION_HEADER)
    if value and not re.fullmatch(rb"\d+\.\d+\.\d+", value):
        told = value.decode("latin-1")
        raise Refusal(
            400,
            f"Invalid X-PREFECT-API-VERSION header format.Expected header in format 'x.y.z' but received {told}",
        )


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    body = await read_body(scope, receive, limit)
    if body:
        media_type = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
        # What a form of another site's page can send is never taken for JSON.
        if media_type and media_type != b"application/json" and not media_type.endswith(b"+json"):
            raise Refusal(415, "The body must be JSON (content-type: application/json).")
    return body
