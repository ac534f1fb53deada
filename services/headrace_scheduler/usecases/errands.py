"""Errands: telling the state service what changed here, until it was told."""

from __future__ import annotations

import asyncio
import logging
import uuid

from headrace import errors
from headrace_scheduler.repository.state import StateService
from headrace_scheduler.repository.storage import Store, Unit
from headrace_scheduler.repository.wakeups import SCHEDULES
from headrace_scheduler.rules.errands import Errand, ErrandKind

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 5.0
"""How long a call waits for its errands. They are done later then, by the loop."""


class ErrandRunner:
    """Does errands. Each is locked meanwhile, so that the state service hears of changes in their order.

    Args:
        store: Where errands are kept.
        state: Whom to tell.
    """

    def __init__(self, store: Store, state: StateService) -> None:
        self._store = store
        self._state = state

    async def settle(self, errands: list[Errand]) -> None:
        """Do errands that were just stored; what cannot be done now is done later by the loop."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                for errand in errands:
                    await self.run(errand, wait=True)
        except (errors.Unavailable, errors.DeadlineExceeded, TimeoutError) as error:
            logger.warning("the state service will be told later of a change: %s", str(error) or "it does not answer")

    async def run_open(self, limit: int) -> int:
        """Do errands that were left over, at most `limit`; return how many.

        Raises:
            errors.HeadraceError: One could not be done, after all others were tried.
        """
        failure: errors.HeadraceError | None = None
        done = 0
        for errand in await self._store.read(lambda unit: unit.errands.list_open(limit)):
            try:
                done += await self.run(errand, wait=False)
            except errors.HeadraceError as error:
                logger.warning("the errand %s %s failed: %s", errand.kind, errand.subject, error)
                failure = error
        if failure is not None:
            raise failure
        return done

    async def run(self, errand: Errand, *, wait: bool) -> bool:
        """Do one errand; return whether there was anything to do."""

        async def work(unit: Unit) -> bool:
            taken = await unit.errands.take(errand, wait=wait)
            if taken is None:
                return False
            match taken.kind:
                case ErrandKind.SET_LIMIT:
                    identifier = uuid.UUID(taken.payload["id"])
                    limit = await unit.errands.current_limit(taken.payload["owner"], identifier)
                    await self._state.set_limit(taken.workspace_id, taken.subject, limit)
                case ErrandKind.MOVE_RUNS:
                    await self._state.move_runs(
                        taken.workspace_id,
                        uuid.UUID(taken.subject),
                        uuid.UUID(taken.payload["to_queue_id"]),
                        taken.payload["to_queue_name"],
                    )
                case ErrandKind.DROP_RUNS:
                    schedule_id = taken.payload["schedule_id"]
                    await self._state.drop_runs(
                        taken.workspace_id,
                        uuid.UUID(taken.payload["deployment_id"]),
                        uuid.UUID(schedule_id) if schedule_id else None,
                        all_runs=taken.payload["all_runs"],
                    )
                    unit.wake(SCHEDULES)
            await unit.errands.finish(taken)
            return True

        return await self._store.run(work)
