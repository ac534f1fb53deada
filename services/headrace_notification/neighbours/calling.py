"""Calls to other services on behalf of a workspace."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
import grpc.aio

from headrace import errors
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import set_caller
from headrace_chassis.resolving import service_caller

Response = TypeVar("Response")

TIMEOUT_SECONDS = 10.0


async def call(workspace_id: uuid.UUID, name: str, make: Callable[[], Awaitable[Response]]) -> Response:
    """Make a call as a part of the server, for a workspace.

    Args:
        workspace_id: The only one that the call may read or change.
        name: Who does it, as the other service shows it.
        make: Starts the call.

    Raises:
        errors.HeadraceError: What the other service answered.
    """
    token = set_caller(service_caller(name, workspace_id))
    try:
        return await make()
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    finally:
        # What the task does next is not done for this workspace alone.
        token.var.reset(token)


def may_pass(error: errors.HeadraceError) -> bool:
    """Return whether the same call may go well another time."""
    return isinstance(
        error,
        errors.Unavailable
        | errors.DeadlineExceeded
        | errors.Aborted
        | errors.ResourceExhausted
        | errors.Internal
        | errors.Cancelled
        | errors.Unimplemented,
    )
