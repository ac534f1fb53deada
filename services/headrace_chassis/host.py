"""One process that holds one or several services, from settings to serving.

Each service has its own pool (its own role), its loops, and a server without a socket by which its neighbours in
the process call it; internal methods are served there. The public address serves all public methods, and the
internal ones too where the process holds one service only, since then neighbours come over the network.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headrace import errors
from headrace_chassis.access import AccessResolver
from headrace_chassis.audit import AuditForwarder, AuditTrail, digest_key
from headrace_chassis.clock import Clock, SystemClock
from headrace_chassis.database import Database
from headrace_chassis.forwarding import TrustedProxies
from headrace_chassis.identity import IdentityClient
from headrace_chassis.local.server import LocalServer
from headrace_chassis.loops import run_loops
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.notify import Wakeups
from headrace_chassis.resolving import CallerResolver, ClosedCallerResolver, LocalCallerResolver, is_loopback
from headrace_chassis.scope import start_shared
from headrace_chassis.server import ServiceServer
from headrace_chassis.service import Service, ServiceContext
from headrace_chassis.settings import ServerSettings
from headrace_chassis.settings_told import told_settings
from headrace_chassis.system import SystemFacts, SystemServicer
from headrace_chassis.tls import ServerTls, neighbour_credentials
from headrace_chassis.validation import Validator

if TYPE_CHECKING:
    from headrace_chassis.service import Build

logger = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Running:
    service: Service
    database: Database
    neighbours: Neighbours
    trail: AuditTrail | None
    loops: asyncio.Task[None] | None = None


class ServiceHost:
    """Runs services in this process. `start`, then `stop`; or use as an async context manager.

    Args:
        settings: Where to listen and how large things may be.
        builders: The `build` function of each service, by name.
        database_url: The one Postgres.
        resolver: Tells who callers are; by default everyone is `local` on loopback, and nobody gets in elsewhere.
        clock: Time for the services.

    Raises:
        errors.InvalidArgument: Other services are elsewhere and there is no token to call them with, or a certificate
            cannot be used.
    """

    def __init__(
        self,
        settings: ServerSettings,
        builders: Mapping[str, Build],
        database_url: str,
        *,
        resolver: CallerResolver | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._builders = dict(builders)
        self._database_url = database_url
        self._clock = clock or SystemClock()
        token = settings.internal_token.get_secret_value() if settings.internal_token is not None else None
        if token is None and set(settings.targets) - set(self._builders):
            raise errors.InvalidArgument.of_field(
                "HEADRACE_SERVER_INTERNAL_TOKEN", "is needed, the same for all, where services run in several processes"
            )
        # Without one in the settings the services of this process call each other, and nobody else can.
        self.internal_token = token or uuid.uuid4().hex
        self._tls = ServerTls.of_settings(settings)
        self._local: dict[str, LocalServer] = {}
        self._own_neighbours = self._neighbours(self.internal_token)
        self._identity = IdentityClient(lambda: self._own_neighbours.channel("identity"))
        self._knows_identity = "identity" in self._builders or "identity" in settings.targets
        self._wakeups = Wakeups(database_url)
        self._access: AccessResolver | None = None
        self.resolver = resolver or self._default_resolver()
        self._holder = uuid.uuid4().hex
        self._stop_loops = asyncio.Event()
        self._validator = Validator()
        self._running: dict[str, _Running] = {}
        self._public: ServiceServer | None = None
        self.grpc_port = 0
        """The public gRPC port, once started."""
        self.failed = asyncio.Event()
        """Set if a part of the process has died that should not; the process had better end."""

    async def __aenter__(self) -> ServiceHost:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect, build every service and serve.

        Raises:
            errors.Unavailable: Postgres does not answer.
            errors.FailedPrecondition: The database has not been migrated.
            OSError: An address is taken.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._wakeups.start()
        self._local |= {name: self._local_server() for name in self._builders}
        for name, build in self._builders.items():
            await self._build(name, build)
        self._public = self._server(
            readiness=[check for running in self._running.values() for check in _readiness(running)]
        )
        self.grpc_port = self._public.listen(
            listening_address(self._settings.host, self._settings.grpc_port_or_default),
            self._tls.grpc_credentials() if self._tls is not None else None,
        )
        alone = len(self._running) == 1
        for running in self._running.values():
            for servicer in running.service.servicers:
                self._public.add_servicer(
                    servicer,
                    self_validating=running.service.self_validating,
                    with_internal=alone,
                    trail=running.trail,
                )
        facts = self._facts()
        self._public.add_servicer(SystemServicer(facts))
        for name, running in self._running.items():
            for servicer in running.service.servicers:
                self._local[name].add_servicer(
                    servicer, self_validating=running.service.self_validating, trail=running.trail
                )
            self._local[name].add_servicer(SystemServicer(facts))
        if self._access is not None:
            self._access.start()
        await self._public.start()
        for name, running in self._running.items():
            loops = list(running.service.loops)
            if running.trail is not None:
                loops.append(AuditForwarder(running.trail, lambda: self._own_neighbours.channel("identity")))
            if not loops:
                continue
            # Loops act for the workspaces in their rows, whoever it is that starts the service.
            running.loops = start_shared(run_loops(loops, self._stop_loops), name=f"loops of {name}")
            running.loops.add_done_callback(self._loops_ended)
        logger.info("serving %s on port %d", ", ".join(self._running), self.grpc_port)

    async def _build(self, name: str, build: Build) -> None:
        database = await Database.connect(
            self._database_url,
            role=f"headrace_{name}",
            schema=name,
            min_size=self._settings.pool_min_size,
            max_size=self._settings.pool_max_size,
            application_name=f"headrace {name}",
        )
        neighbours = self._neighbours(self.internal_token)
        context = ServiceContext(
            name=name,
            settings=self._settings,
            database=database,
            wakeups=self._wakeups,
            clock=self._clock,
            holder=self._holder,
            channel=neighbours.channel,
        )
        try:
            service = await build(context)
        except BaseException:
            await neighbours.close()
            await database.close()
            raise
        # Without the service that keeps the log nobody would ever take the notes.
        trail = AuditTrail(database, digest_key(self.internal_token)) if self._knows_identity else None
        self._running[name] = _Running(service, database, neighbours, trail)

    async def stop(self) -> None:
        """Drain and stop everything that was started, in the reverse order; safe to call more than once.

        Calls and ticks in progress have `drain_seconds` to end, all together; then they are cut off.
        """
        self._stop_loops.set()
        end = time.monotonic() + self._settings.drain_seconds
        public, self._public = self._public, None
        loops = [running.loops for running in self._running.values() if running.loops is not None]
        async with asyncio.TaskGroup() as group:
            if public is not None:
                group.create_task(public.stop(self._settings.drain_seconds))
            if loops:
                group.create_task(_finish(loops, self._settings.drain_seconds))
        await asyncio.gather(*(server.stop(max(0.0, end - time.monotonic())) for server in self._local.values()))
        for running in self._running.values():
            if running.trail is not None:
                await running.trail.save_all()
            await running.service.close()
            await running.neighbours.close()
        if self._access is not None:
            await self._access.close()
        await self._own_neighbours.close()
        await self._wakeups.close()
        for running in self._running.values():
            await running.database.close()
        self._running.clear()

    async def faults(self) -> list[str]:
        """Return what is not ready, in sentences; empty if the process is ready."""
        return await self._public.check_readiness() if self._public is not None else ["the server has not started"]

    def outside(self) -> Neighbours:
        """Return channels on which callers say for themselves who they are, as they do from outside.

        Close it before the host is stopped.
        """
        return self._neighbours(None)

    def _neighbours(self, internal_token: str | None) -> Neighbours:
        return Neighbours(
            self._settings.targets,
            internal_token,
            local=self._local,
            credentials=neighbour_credentials(self._settings),
            max_message_bytes=self._settings.max_message_bytes,
        )

    def _local_server(self) -> LocalServer:
        return LocalServer(
            resolver=self.resolver,
            internal_token=self.internal_token,
            validator=self._validator,
            default_deadline_seconds=self._settings.default_deadline_seconds,
        )

    def _server(self, readiness: list[object]) -> ServiceServer:
        return ServiceServer(
            resolver=self.resolver,
            internal_token=self.internal_token,
            validator=self._validator,
            default_deadline_seconds=self._settings.default_deadline_seconds,
            max_message_bytes=self._settings.max_message_bytes,
            readiness=readiness,  # type: ignore[arg-type]
            with_reflection=self._settings.reflection,
            proxies=TrustedProxies(self._settings.trusted_proxies),
        )

    def _facts(self) -> SystemFacts:
        return SystemFacts(
            grpc_address=self._settings.advertised_grpc_address or f":{self.grpc_port}",
            grpc_tls=self._settings.is_tls
            if self._settings.advertised_grpc_tls is None
            else self._settings.advertised_grpc_tls,
            authentication_required=self.resolver.requires_sign_in,
            installation_id=self._installation_id,
            settings=lambda: told_settings(self._settings),
            capabilities=sorted(self._running),
        )

    async def _installation_id(self) -> str:
        return await self._identity.installation_id() if self._knows_identity else ""

    def _default_resolver(self) -> CallerResolver:
        if self._settings.auth == "on":
            self._access = AccessResolver(lambda: self._own_neighbours.channel("identity"), self._wakeups)
            return self._access
        if is_loopback(self._settings.host) or self._settings.allow_without_sign_in:
            return LocalCallerResolver(self._identity if self._knows_identity else None)
        return ClosedCallerResolver()

    def _loops_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._stop_loops.is_set():
            return
        logger.error("%s ended unexpectedly", task.get_name(), exc_info=task.exception())
        self.failed.set()


async def _finish(tasks: list[asyncio.Task[None]], timeout_seconds: float) -> None:
    _, late = await asyncio.wait(tasks, timeout=timeout_seconds)
    for task in late:
        logger.warning("%s did not end in time and is cut off", task.get_name())
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


def listening_address(host: str, port: int) -> str:
    """Return a host and a port as gRPC wants them."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _readiness(running: _Running) -> list[object]:
    return [running.database.ping, running.neighbours.check, *running.service.readiness]
