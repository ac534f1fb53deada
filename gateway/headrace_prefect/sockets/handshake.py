"""How websockets begin: the subprotocol `prefect`, then a message that says who is there."""

from __future__ import annotations

import asyncio
import logging
import random

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
from headrace_prefect.sockets.socket import GOING_AWAY, POLICY_VIOLATION, TRY_AGAIN, Gone, Room, Socket, SocketHandler

logger = logging.getLogger(__name__)

SUBPROTOCOL = "prefect"

SAY_SECONDS = 15.0
"""How long clients may take to say who they are."""
PROVE_SECONDS = 15.0
"""How long clients wait while nobody can be asked who they are: a failure then is final for them."""

_PAUSE_SECONDS = 0.25
_NOT_NOW = (errors.Unavailable, errors.DeadlineExceeded, errors.ResourceExhausted, errors.Aborted, errors.Internal)
"""What another try may cure."""


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
    room: Room,
) -> None:
    """Accept a websocket, find out who is there, and hand it over until it ends."""
    await receive()  # The wish to connect.
    authorization = authorization_of_header(scope)
    metadata = metadata_of(scope, workspace, internal_token, authorization=authorization)
    socket = Socket(services, metadata, path, receive, send, deadline_seconds, room)
    has_subprotocol = SUBPROTOCOL in scope.get("subprotocols", ())
    try:
        await send({"type": "websocket.accept", **({"subprotocol": SUBPROTOCOL} if has_subprotocol else {})})
        # Clients older than the subprotocol say nothing about themselves in messages.
        if has_subprotocol:
            token = await _token(socket)
            if token is None:
                # The one code after which Prefect's client connects again although it has not been let in.
                await socket.close(GOING_AWAY, "you did not say who you are; try again")
                return
            if token:
                authorization = authorization_of_token(token)
                socket.metadata = metadata_of(scope, workspace, internal_token, authorization=authorization)
        if not await _is_proven(services, socket.metadata, deadline_seconds):
            await socket.close(GOING_AWAY, "nobody can be asked who you are; try again")
            return
        if has_subprotocol:
            await socket.send_json({"type": "auth_success"})
        await handler(socket)
        await socket.close()
    except Gone:
        pass
    except _NOT_NOW as error:
        await socket.close(TRY_AGAIN, error.message)
    except errors.HeadraceError as error:
        await socket.close(POLICY_VIOLATION, error.message)
    finally:
        await socket.end()


async def _token(socket: Socket) -> str | None:
    """Return what the other side proves itself with; None if it says nothing for too long."""
    try:
        # Who never says it would keep a socket that others wait for. On a busy machine it may be late only.
        async with asyncio.timeout(SAY_SECONDS):
            message = await socket.receive_json()
    except TimeoutError:
        return None
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict) or message.get("type") != "auth":
        raise errors.Unauthenticated("Expected 'auth' message")
    token = message.get("token")
    return token if isinstance(token, str) else ""


async def _is_proven(services: Services, metadata: Metadata, deadline_seconds: float) -> bool:
    """Return whether it is known who is there; False if nobody can be asked.

    Raises:
        errors.HeadraceError: They may not come in.
    """
    asked = workspace_pb2.GetCallerRequest()
    until = asyncio.get_running_loop().time() + PROVE_SECONDS
    while True:
        try:
            await services.workspaces.GetCaller(asked, metadata=metadata, timeout=deadline_seconds)
            return True
        except grpc.aio.AioRpcError as error:
            failure = from_rpc_error(error)
            if not isinstance(failure, _NOT_NOW):
                raise failure from None
        if asyncio.get_running_loop().time() >= until:
            return False
        await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))
