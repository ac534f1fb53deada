"""Callers of several workspaces, with the permissions that a test gives them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio

from headrace_chassis.caller import ALL_PERMISSIONS, Caller
from headrace_chassis.resolving import UnprovenCallers
from headrace_harness.services import RunningService


class NamedCaller(UnprovenCallers):
    """Takes callers at their word: metadata names the workspace and the permissions."""

    async def resolve(self, metadata: Mapping[str, str | bytes], correlation_id: str) -> Caller:
        """Return the caller that the metadata names."""
        permissions = str(metadata.get("permissions", ALL_PERMISSIONS)).split(",")
        return Caller(uuid.UUID(str(metadata["workspace"])), "p", "user", "Pat", frozenset(permissions), correlation_id)


class _As(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, metadata: list[tuple[str, str]]) -> None:
        self._metadata = metadata

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        details = client_call_details._replace(metadata=grpc.aio.Metadata(*self._metadata))
        return await continuation(details, request)


def calling_as(service: RunningService, workspace_id: uuid.UUID, permissions: str = "") -> grpc.aio.Channel:
    """Return a channel of a caller."""
    metadata = [("workspace", str(workspace_id)), *([("permissions", permissions)] if permissions else [])]
    return grpc.aio.insecure_channel(service.address, interceptors=[_As(metadata)])


async def code_of(call: Any) -> grpc.StatusCode:
    """Return the status code that a call ends with."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        code = error.code()
        assert isinstance(code, grpc.StatusCode)
        return code
    return grpc.StatusCode.OK
