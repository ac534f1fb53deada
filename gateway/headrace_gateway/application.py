"""The ASGI application: which part answers which path."""

from __future__ import annotations

import importlib.resources
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import grpc.aio
import orjson

from headrace import errors
from headrace_chassis import metrics
from headrace_chassis.forwarding import NOBODY
from headrace_gateway import acknowledge, failures, hooks, openapi
from headrace_gateway.api import PREFIX, ROUTE, Api
from headrace_gateway.contract import Contract
from headrace_gateway.files import Files
from headrace_gateway.fronting import Front
from headrace_gateway.http import JSON, App, Message, Receive, Scope, Send, header, respond
from headrace_gateway.operations import Operations
from headrace_gateway.security import PAGE_HEADERS, Walls

logger = logging.getLogger(__name__)

NOT_BUILT = "/not-built.html"
METRICS = "/metrics"


class Application:
    """Answers all HTTP requests of the server.

    Args:
        contract: The public methods.
        api: Answers what is below `/v1/`.
        webhooks: Answers what is below `/hooks/`.
        acknowledging: Answers what is below `/acknowledge/`.
        walls: Lets requests in.
        operations: Answers those who run the server.
        ui: The built user interface; without files `/` says how to build it.
        mounts: What else answers, by the beginning of its paths; websockets are for these alone.
        front: Tells requests from where they come.
        knows: Raises where a request does not prove who makes it; for `/metrics` of a server with sign-in.
    """

    def __init__(
        self,
        contract: Contract,
        api: Api,
        webhooks: hooks.Hooks,
        acknowledging: acknowledge.AcknowledgePage,
        walls: Walls,
        operations: Operations,
        ui: Files,
        mounts: Mapping[str, App] | None = None,
        front: Front | None = None,
        knows: Callable[[Scope], Awaitable[None]] | None = None,
    ) -> None:
        self._knows = knows
        self._front = front or Front(NOBODY, is_secure=False)
        self._contract = contract
        self._api = api
        self._hooks = webhooks
        self._acknowledging = acknowledging
        self._walls = walls
        self._operations = operations
        self._ui = ui
        self._mounts = tuple((mounts or {}).items())
        self._pages = Files.load(importlib.resources.files("headrace_gateway").joinpath("pages"))
        self._openapi: bytes | None = None
        self._own = {**operations.paths, "/openapi.json": self._document}

    def drain(self) -> None:
        """Say that the server is not ready any more, and tell all streams to end."""
        self._operations.drain()
        self._api.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what goes wrong unexpectedly is logged and told without details."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        status = 0
        self._front.enter(scope)
        send = self._front.sending(scope, send)

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        metrics.http_timings.begin()
        began = time.perf_counter()
        try:
            await self._let_in(scope, receive, tell)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not status:
                await self._api.refuse(
                    send, failures.of_error(errors.Internal("internal error; the server's log says more"))
                )
            else:
                raise
        finally:
            # Without a status the client has left before its request was whole.
            code = str(status) if status else "gone"
            metrics.http_timings.end(scope.get(ROUTE, "other"), code, time.perf_counter() - began)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._walls.check(scope)
        except errors.PermissionDenied as error:
            await self._api.refuse(send, failures.of_error(error))
            return
        cors = self._walls.headers_for(scope)
        if cors:
            send = _with_headers(send, cors)
        if scope["method"] == "OPTIONS":
            await respond(send, 204, b"", [(b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
            return
        path = scope["path"]
        mounted = self._mounted(path)
        if mounted is not None:
            await mounted(scope, receive, send)
        elif path.startswith(PREFIX):
            await self._api(scope, receive, send)
        elif path.startswith(hooks.PREFIX):
            scope[ROUTE] = "ReceiveWebhook"
            refused_call = await self._hooks.answer(scope, receive, send)
            if refused_call is not None:
                await self._api.refuse(send, refused_call)
        elif path.startswith(acknowledge.PREFIX):
            scope[ROUTE] = "AcknowledgeByLink" if scope["method"] == "POST" else "GetAcknowledgement"
            await self._acknowledging.answer(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            refused = errors.Unimplemented("this page can only be read", reason="METHOD_NOT_ALLOWED")
            await self._api.refuse(send, failures.of_error(refused, 405), [(b"allow", b"GET, HEAD")])
        elif path in self._own:
            if path == METRICS and (refused_reader := await self._refusal(scope)) is not None:
                await self._api.refuse(send, refused_reader)
            else:
                await self._own[path](scope, send)
        else:
            await self._page(path, scope, send)

    async def _refusal(self, scope: Scope) -> failures.Failure | None:
        """Return why who asks is not told what the server measures."""
        try:
            if self._knows is not None:
                await self._knows(scope)
        except errors.HeadraceError as error:
            return failures.of_error(error)
        except grpc.aio.AioRpcError as error:
            return failures.of_call(error)
        return None

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._front.enter(scope)
        mounted = self._mounted(scope["path"])
        try:
            self._walls.check(scope)
        except errors.PermissionDenied:
            mounted = None
        if mounted is not None:
            await mounted(scope, receive, send)
            return
        # Refuses the handshake, with 403.
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    def _mounted(self, path: str) -> App | None:
        return next((app for prefix, app in self._mounts if path.startswith(prefix)), None)

    async def _page(self, path: str, scope: Scope, send: Send) -> None:
        if path in self._ui:
            await self._ui.send(path, scope, send)
        elif path in self._pages:
            await self._pages.send(path, scope, send)
        elif path == "/docs":
            await self._pages.send("/docs.html", scope, send)
        elif path.rpartition("/")[2].count(".") and b"text/html" not in (header(scope, b"accept") or b""):
            missing = errors.NotFound(f"there is nothing at {path}", reason="ROUTE_NOT_FOUND")
            await self._api.refuse(send, failures.of_error(missing))
        elif "/index.html" in self._ui:
            # The user interface makes its own pages out of the address.
            await self._ui.send("/index.html", scope, send)
        else:
            await self._pages.send(NOT_BUILT, scope, send)

    async def _document(self, scope: Scope, send: Send) -> None:
        if self._openapi is None:
            self._openapi = orjson.dumps(openapi.document(self._contract))
        headers = [*PAGE_HEADERS, JSON, (b"cache-control", b"no-cache")]
        await respond(send, 200, self._openapi, headers)


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def extended(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return extended
