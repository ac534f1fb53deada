"""Keeps the workers of this process supplied and alive, and notices workers that are gone."""

from __future__ import annotations

import asyncio
import logging
import random

from headrace import errors
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import MOST_BACKOFF_SECONDS, Loop
from headrace_chassis.notify import Wakeups
from headrace_scheduler.loops.patient import PatientLoop
from headrace_scheduler.repository.state import StateChanges
from headrace_scheduler.repository.wakeups import DUE, WORKERS
from headrace_scheduler.usecases import workers
from headrace_scheduler.usecases.dispatch.hub import HEARTBEAT_SECONDS, POLL_SECONDS, Hub
from headrace_scheduler.usecases.workbench import Workbench

logger = logging.getLogger(__name__)


class DueLoop(PatientLoop):
    """Lets workers be supplied when the state service says that runs became due or slots became free."""

    name = "due"
    interval_seconds = 30.0
    channels = (DUE,)

    def __init__(self, hub: Hub, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._hub = hub

    async def work(self) -> None:
        """Let all lanes look for runs."""
        self._hub.wake()


class DuePollLoop(PatientLoop):
    """Finds due runs where no signal came."""

    name = "due-poll"
    interval_seconds = POLL_SECONDS

    def __init__(self, hub: Hub, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._hub = hub

    async def work(self) -> None:
        """Ask when the next run is due."""
        await self._hub.poll_due()


class RenewLoop(PatientLoop):
    """Renews the leases of what workers hold."""

    name = "renew-leases"
    interval_seconds = HEARTBEAT_SECONDS

    def __init__(self, hub: Hub, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._hub = hub

    async def work(self) -> None:
        """Renew the leases of all workers of this process."""
        await self._hub.renew_leases()


class BeatLoop(PatientLoop):
    """Stores signs of life of workers, and passes on what was stored for them: to drain, a changed pool."""

    name = "worker-beats"
    interval_seconds = HEARTBEAT_SECONDS
    channels = (WORKERS,)

    def __init__(self, hub: Hub, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._hub = hub

    async def work(self) -> None:
        """Store, and look what there is."""
        await self._hub.beat()
        await self._hub.refresh_pools()


class ReclaimLoop(PatientLoop):
    """Gives runs back that were not acknowledged, and ends silent streams."""

    name = "reclaim"
    interval_seconds = 1.0

    def __init__(self, hub: Hub, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._hub = hub

    async def work(self) -> None:
        """Look at all workers of this process."""
        await self._hub.reclaim()


class ExpireLoop(PatientLoop):
    """Makes workers OFFLINE that are silent, wherever their streams stood."""

    name = "expire-workers"
    interval_seconds = 1.0

    def __init__(self, bench: Workbench, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._bench = bench

    async def work(self) -> None:
        """Look for silent workers."""
        await workers.expire_workers(self._bench)


class ForgetLoop(PatientLoop):
    """Stops listing workers that are gone for long."""

    name = "forget-workers"
    interval_seconds = 3600.0

    def __init__(self, bench: Workbench, wakeups: Wakeups, lease: ServiceLease) -> None:
        super().__init__(wakeups, lease=lease)
        self._bench = bench

    async def work(self) -> None:
        """Look for workers that are gone for long."""
        await workers.forget_workers(self._bench)


class CancelLoop(Loop):
    """Follows the state service and has workers stop what is being cancelled, at once.

    Where this fails, the renewal of leases tells of it within seconds. A tick lasts as long as the state service can be
    followed.
    """

    name = "follow-cancellations"
    interval_seconds = 0.5

    def __init__(self, hub: Hub, changes: StateChanges) -> None:
        super().__init__()
        self._hub = hub
        self._changes = changes

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set."""
        following = asyncio.create_task(self._follow(), name=self.name)
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((following, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (following, stopped):
                task.cancel()
            await asyncio.gather(following, stopped, return_exceptions=True)
        if not following.cancelled() and following.exception() is not None:
            raise RuntimeError("following the state service ended") from following.exception()

    async def _follow(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self.tick()
            except errors.HeadraceError as error:
                self.failures += 1
                logger.warning("cancellations are noticed later for now: %s", error)
            except Exception:
                self.failures += 1
                logger.exception("following cancellations failed")
            else:
                self.ticks += 1
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > MOST_BACKOFF_SECONDS else failures + 1
            delay = min(self.interval_seconds * 2.0 ** min(failures - 1, 10), MOST_BACKOFF_SECONDS / 12)
            await asyncio.sleep(max(delay, self.interval_seconds) * random.uniform(0.5, 1.5))

    async def tick(self) -> None:
        """Follow until the state service ends it."""
        async for flow_run_ids in self._changes.cancelling():
            self._hub.cancel(flow_run_ids, "the run is being cancelled")
