"""The automations that do something, in memory and indexed.

The catalogue's version rises with every change of any automation, in the order of commits. So whoever has read
up to it knows all of them, and one small query tells whether that is still so.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Iterator

from headrace_notification.repository import AutomationStore
from headrace_notification.rules.automation_events import is_looked_at
from headrace_notification.rules.automations import Automation
from headrace_notification.rules.events import Event
from headrace_notification.rules.index import TriggerIndex
from headrace_notification.rules.metrics import MetricTrigger
from headrace_notification.rules.triggers import Path, leaves, metric_leaves

FLOW_RUN = "headrace.flow-run."
"""How the resource ids of flow runs begin."""

STATE_TYPE = "headrace.state-type"
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


class Catalogue:
    """Knows the enabled automations as of the last `refresh`.

    Args:
        store: Where they are.
    """

    def __init__(self, store: AutomationStore) -> None:
        self._store = store
        self._automations: dict[uuid.UUID, Automation] = {}
        self._index = TriggerIndex()
        self._wanted: dict[tuple[uuid.UUID, str], bool] = {}
        self._of_runs: dict[str, set[uuid.UUID]] = {}
        self._metrics: dict[tuple[uuid.UUID, Path], MetricTrigger] = {}
        self._version = -1
        self._refreshing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._automations)

    async def refresh(self) -> None:
        """Take in what was changed before the call.

        Raises:
            errors.Unavailable: Postgres cannot be reached.
        """
        async with self._refreshing:
            version = await self._store.catalogue_version()
            if version == self._version:
                return
            for automation in await self._store.changed_since(self._version):
                self._take_in(automation)
            # Deleted ones leave no trace but their absence.
            if len(self._automations) != await self._store.count_enabled():
                present = await self._store.enabled_ids()
                for gone in self._automations.keys() - present:
                    self._take_out(gone)
            self._wanted.clear()
            self._version = version

    def _take_in(self, automation: Automation) -> None:
        self._take_out(automation.automation_id)
        if automation.enabled:
            self._automations[automation.automation_id] = automation
            if automation.owner_resource_id.startswith(FLOW_RUN):
                self._of_runs.setdefault(automation.owner_resource_id, set()).add(automation.automation_id)
            for path, leaf in leaves(automation.trigger):
                self._index.add((automation.automation_id, path), automation.workspace_id, leaf)
            for path, metric in metric_leaves(automation.trigger):
                self._metrics[automation.automation_id, path] = metric

    def _take_out(self, automation_id: uuid.UUID) -> None:
        known = self._automations.pop(automation_id, None)
        if known is not None and (siblings := self._of_runs.get(known.owner_resource_id)) is not None:
            siblings.discard(automation_id)
            if not siblings:
                del self._of_runs[known.owner_resource_id]
        for path, _ in leaves(known.trigger) if known is not None else ():
            self._index.remove((automation_id, path))
        for path, _ in metric_leaves(known.trigger) if known is not None else ():
            del self._metrics[automation_id, path]

    async def forget_ended(self, events: Iterable[Event]) -> None:
        """Delete the automations of flow runs that ended: nobody waits for their events any more.

        A run that crashed may be tried again, and then still waits.
        """
        for event in events:
            owned = self._of_runs.get(event.resource.resource_id)
            if not owned or event.resource.labels.get(STATE_TYPE) not in ENDED:
                continue
            async with self._store.change() as work:
                for automation_id in sorted(owned):
                    await work.delete(event.workspace_id, automation_id)

    def find(self, automation_id: uuid.UUID) -> Automation | None:
        """Return an enabled automation."""
        return self._automations.get(automation_id)

    def covering(self, event: Event) -> Iterator[tuple[Automation, Path]]:
        """Yield the automations whose triggers cover the event, and which of their conditions does."""
        for (automation_id, path), leaf in self._index.covering(event):
            if is_looked_at(automation_id, leaf, event):
                yield self._automations[automation_id], path

    def metrics(self) -> Iterator[tuple[Automation, Path, MetricTrigger]]:
        """Yield all conditions on figures, whose they are and where they stand."""
        for (automation_id, path), metric in self._metrics.items():
            yield self._automations[automation_id], path, metric

    def wants_name(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Return whether an automation of the workspace looks at events of this name."""
        wanted = self._wanted.get((workspace_id, name))
        if wanted is None:
            wanted = self._wanted[workspace_id, name] = self._index.wants_name(workspace_id, name)
        return wanted
