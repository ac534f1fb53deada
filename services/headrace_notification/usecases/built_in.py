"""Gives workspaces the automations that they have from the start."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from headrace_notification.repository import AutomationStore
from headrace_notification.rules.built_in import built_in_automations


class BuiltIns:
    """Makes the built-in automations of workspaces in which something happens.

    Args:
        store: Keeps automations.
        is_on: False makes none.
    """

    def __init__(self, store: AutomationStore, *, is_on: bool = True) -> None:
        self._store = store
        self._is_on = is_on
        self._known: set[uuid.UUID] = set()

    async def ensure(self, workspace_ids: Iterable[uuid.UUID]) -> None:
        """Make those that are missing; what is there stays as it is."""
        new = set(workspace_ids) - self._known if self._is_on else set()
        for workspace_id in new:
            for automation in built_in_automations(workspace_id):
                if await self._store.load(workspace_id, automation.automation_id) is None:
                    async with self._store.change() as work:
                        # None if another process was there first.
                        await work.add(automation)
            self._known.add(workspace_id)
