"""Evaluates triggers: as events are stored, and as time goes by."""

from __future__ import annotations

import asyncio

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_chassis.notify import Wakeups
from headrace_notification.loops.waking import run_woken
from headrace_notification.repository import EvaluationStore
from headrace_notification.usecases.built_in import BuiltIns
from headrace_notification.usecases.catalogue import Catalogue
from headrace_notification.usecases.circles import Turns
from headrace_notification.usecases.evaluation import evaluate_stored, watch_timers


class EvaluateLoop(Loop):
    """Evaluates what is stored, in one process at a time, woken by what is stored.

    Args:
        store: Where it stands.
        catalogue: The automations.
        lease: What must be held.
        wakeups: Tells when something is stored.
        channel: On which channel.
        built_ins: Makes the automations that workspaces have from the start.
    """

    name = "evaluate"
    interval_seconds = 1.0

    def __init__(
        self,
        store: EvaluationStore,
        catalogue: Catalogue,
        lease: ServiceLease,
        wakeups: Wakeups,
        channel: str,
        built_ins: BuiltIns,
    ) -> None:
        super().__init__(lease=lease)
        self._store = store
        self._catalogue = catalogue
        self._wakeups = wakeups
        self._channel = channel
        self._built_ins = built_ins
        self._turns = Turns()

    async def run(self, stop: asyncio.Event) -> None:
        """Evaluate until `stop` is set."""
        await run_woken(self, super().run(stop), self._wakeups, self._channel)

    async def tick(self) -> int | None:
        """Evaluate what was stored since the last tick."""
        return await evaluate_stored(self._store, self._catalogue, self._built_ins, self._turns)


class TimerLoop(Loop):
    """Looks for what did not happen in time; every process does.

    Args:
        store: Where it stands.
        catalogue: The automations.
    """

    name = "trigger-timers"
    interval_seconds = 1.0

    def __init__(self, store: EvaluationStore, catalogue: Catalogue) -> None:
        super().__init__()
        self._store = store
        self._catalogue = catalogue

    async def tick(self) -> int | None:
        """Look at what is due."""
        return await watch_timers(self._store, self._catalogue)
