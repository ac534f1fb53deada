"""What a service is to the process that runs it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import grpc.aio

from headrace_chassis.clock import Clock
from headrace_chassis.database import Database
from headrace_chassis.loops import Loop
from headrace_chassis.notify import Wakeups
from headrace_chassis.settings import ServerSettings

if TYPE_CHECKING:
    from typing import TypeAlias

    Build: TypeAlias = Callable[["ServiceContext"], Awaitable["Service"]]


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a service is built from."""

    name: str
    """The service's own name, `state`."""
    settings: ServerSettings
    database: Database
    """Connections that act as the service's role in its schema."""
    wakeups: Wakeups
    clock: Clock
    holder: str
    """Names this process among replicas, new at each start; for `ServiceLease`."""
    channel: Callable[[str], grpc.aio.Channel]
    """Returns the channel to another service by name; calls carry the internal token and the current caller."""


async def _nothing() -> None:
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """What a service offers: servicers on the wire, loops beside them."""

    servicers: Sequence[object]
    """Instances of generated `*Servicer` classes."""
    loops: Sequence[Loop] = ()
    readiness: Sequence[Callable[[], Awaitable[None]]] = ()
    """Checks beyond the database and the neighbours; each raises while the service is not ready."""
    close: Callable[[], Awaitable[None]] = _nothing
    """Called after loops and calls have ended, before the database is closed."""
    self_validating: frozenset[str] = frozenset()
    """gRPC services (full names) that check the messages of their client streams themselves."""
