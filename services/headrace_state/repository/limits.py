"""Concurrency limits and their slots."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from headrace_state.rules.owned_limits import OwnedLimit
from headrace_state.rules.rows import Row
from headrace_state.rules.slots import LeaseHolder, SlotsAwaited, SlotsHeld, SlotsRefused, SlotWish


class Limits(Protocol):
    """Concurrency limits."""

    async def set(
        self, workspace_id: uuid.UUID, name: str, slots: int, is_active: bool | None, slot_decay_per_second: float
    ) -> Row:
        """Create a limit or change the one with the name; return it, with how many slots are taken."""
        ...

    async def load(self, workspace_id: uuid.UUID, name: str) -> tuple[Row, Sequence[Row], Sequence[Row]] | None:
        """Return a limit with up to 100 holders and up to 100 waiters; None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, name_contains: str, after: str | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page by name, and the key to go on behind it (None at the end)."""
        ...

    async def delete(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Delete a limit; return whether there was one."""
        ...

    async def set_owned(self, workspace_id: uuid.UUID, limits: Sequence[OwnedLimit]) -> None:
        """Set or remove limits of pools, queues and deployments, and hand on the slots that become free."""
        ...

    async def evict(self, workspace_id: uuid.UUID, name: str, lease_id: uuid.UUID) -> Row | None:
        """Take the slots of a limit away from a lease and hand them on; a lease that no attempt holds ends.

        Returns:
            Who held them; None if the lease holds none of the limit.
        """
        ...

    async def sweep_keyed(self, most: int) -> int:
        """Delete limits of keys that nothing holds or waits for; return how many."""
        ...

    async def end_leases(self, workspace_id: uuid.UUID, lease_ids: Sequence[uuid.UUID]) -> None:
        """End leases that no attempt holds, and hand their slots on."""
        ...

    async def end_leases_of_runs(
        self, workspace_id: uuid.UUID, ended: Sequence[tuple[uuid.UUID, datetime.datetime]]
    ) -> None:
        """End what the processes of flow runs held for these and their task runs, and hand the slots on.

        Args:
            workspace_id: Whose runs.
            ended: The flow runs, and when the attempts ended: what was taken later, the next attempt holds.
        """
        ...


class Bell(Protocol):
    """Rings when a waiter may have got its slots."""

    async def wait(self, timeout_seconds: float | None = None) -> bool:
        """Return whether it rang, waiting up to `timeout_seconds`."""
        ...


class Slots(Protocol):
    """The slots of limits, for clients."""

    async def acquire(
        self, workspace_id: uuid.UUID, wish: SlotWish, keep_seconds: float | None
    ) -> SlotsHeld | SlotsAwaited | SlotsRefused:
        """Take slots, or find them taken by an earlier call with the same lease.

        Args:
            workspace_id: Whose limits.
            wish: What is wanted.
            keep_seconds: How long the place in line is kept; None does not get in line.

        Raises:
            errors.NotFound: A name has no limit, and the wish is strict.
            errors.InvalidArgument: More slots are wanted than a limit has, or a limit is none of a rate.
            errors.AlreadyExists: The lease is somebody else's.
        """
        ...

    async def renew(
        self, workspace_id: uuid.UUID, lease_id: uuid.UUID, lease_seconds: float, run_id: uuid.UUID | None
    ) -> Any:
        """Renew a client's lease, one of flow run `run_id` if that is given; return until when it holds, None if it
        is gone."""
        ...

    async def holder_of(self, workspace_id: uuid.UUID, lease_id: uuid.UUID) -> LeaseHolder | None:
        """Return who holds a lease, None if there is none."""
        ...

    async def release(
        self, workspace_id: uuid.UUID, lease_id: uuid.UUID, *, keep_lease: bool, run_id: uuid.UUID | None
    ) -> None:
        """Give the slots of a lease back and leave the line; with `keep_lease` the lease lives on without slots.

        Args:
            workspace_id: Whose.
            lease_id: Which, also if it is only waited for.
            keep_lease: Whether an attempt holds it.
            run_id: The flow run whose place in the line it has to be; None is anybody's.
        """
        ...

    def bell(self, lease_id: uuid.UUID) -> contextlib.AbstractAsyncContextManager[Bell]:
        """Lend what rings when slots were handed to a lease."""
        ...
