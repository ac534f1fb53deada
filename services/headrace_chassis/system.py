"""The server about itself: version, capabilities, where it is reached."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc.aio

from headrace.api.v1 import system_pb2, system_pb2_grpc

MINIMUM_CLIENT_VERSION = "0.1.0"


@dataclasses.dataclass(frozen=True, slots=True)
class SystemFacts:
    """What `GetSystem` tells.

    Args:
        grpc_address: `host:port`; an empty host means the host that the client used.
        grpc_tls: Whether it is reached over TLS.
        authentication_required: Whether callers have to sign in.
        installation_id: Returns what is the same for all processes of one installation, "" while it is not known.
        settings: Returns how this process is set up.
        capabilities: Stable words for what this server can do.
    """

    grpc_address: str
    grpc_tls: bool
    authentication_required: bool
    installation_id: Callable[[], Awaitable[str]]
    settings: Callable[[], list[system_pb2.ServerSetting]]
    capabilities: Sequence[str] = ()


class SystemServicer(system_pb2_grpc.SystemServiceServicer):
    """`SystemService`, the same in every process."""

    def __init__(self, facts: SystemFacts) -> None:
        self._installation_id = facts.installation_id
        self._settings = facts.settings
        self._response = system_pb2.GetSystemResponse(
            version=importlib.metadata.version("headrace"),
            capabilities=sorted(facts.capabilities),
            grpc_address=facts.grpc_address,
            grpc_tls=facts.grpc_tls,
            authentication_required=facts.authentication_required,
            minimum_client_version=MINIMUM_CLIENT_VERSION,
        )

    async def GetSystem(
        self, request: system_pb2.GetSystemRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> system_pb2.GetSystemResponse:
        """Return the facts."""
        if not self._response.installation_id:
            self._response.installation_id = await self._installation_id()
        return self._response

    async def GetServerSettings(
        self, request: system_pb2.GetServerSettingsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> system_pb2.GetServerSettingsResponse:
        """Return the settings without secrets."""
        return system_pb2.GetServerSettingsResponse(settings=self._settings())
