"""How websockets begin: the subprotocol `prefect`, then a message that says who is there."""

from __future__ import annotations

import logging

import grpc.aio
import orjson

from headrace import errors
from headrace.api.v1 import workspace_pb2
from headrace.rpc.status import from_rpc_error
from headrace_gateway.backends import Metadata
from headrace_gateway.http import Receive, Scope, Send
from headrace_gateway.metadata import metadata_of
from headrace_prefect.credentials import authorization_of_header, authorization_of_token
from headrace_prefect.services import Services
from headrace_prefect.sockets.socket import POLICY_VIOLATION, TRY_AGAIN, Gone, Socket, SocketHandler

logger = logging.getLogger(__name__)

SUBPROTOCOL = "prefect"


async def serve(
    handler: SocketHandler,
    services: Services,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    path: dict[str, str],
    workspace: str | None,
    internal_token: str | None,
    deadline_seconds: float,
) -> None:
    """Accept a websocket, find out who is there, and hand it over until it ends."""
    await receive()  # The wish to connect.
    authorization = authorization_of_header(scope)
    metadata = metadata_of(scope, workspace, internal_token, authorization=authorization)
    socket = Socket(services, metadata, path, receive, send, deadline_seconds)
    has_subprotocol = SUBPROTOCOL in scope.get("subprotocols", ())
    try:
        await send({"type": "websocket.accept", **({"subprotocol": SUBPROTOCOL} if has_subprotocol else {})})
        # Clients older than the subprotocol say nothing about themselves in messages.
        if has_subprotocol:
            token = await _token(socket)
            if token:
                authorization = authorization_of_token(token)
                socket.metadata = metadata_of(scope, workspace, internal_token, authorization=authorization)
        await _prove(services, socket.metadata, deadline_seconds)
        if has_subprotocol:
            await socket.send_json({"type": "auth_success"})
        await handler(socket)
        await socket.close()
    except Gone:
        pass
    except errors.Unavailable as error:
        await socket.close(TRY_AGAIN, error.message)
    except errors.HeadraceError as error:
        await socket.close(POLICY_VIOLATION, error.message)
    finally:
        await socket.end()


async def _token(socket: Socket) -> str:
    try:
        message = await socket.receive_json()
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict) or message.get("type") != "auth":
        raise errors.Unauthenticated("Expected 'auth' message")
    token = message.get("token")
    return token if isinstance(token, str) else ""


async def _prove(services: Services, metadata: Metadata, deadline_seconds: float) -> None:
    try:
        await services.workspaces.GetCaller(
            workspace_pb2.GetCallerRequest(), metadata=metadata, timeout=deadline_seconds
        )
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None
