"""What a flow run may change with its token: itself, what is below it, and what it made."""

from __future__ import annotations

import collections
import uuid
from collections.abc import Sequence

from headrace import errors
from headrace_chassis.caller import OTHER_RUNS, Caller
from headrace_state.repository.flow_runs import FlowRunReads

MOST_KNOWN = 10_000
"""Runs that are known to be below others; of more it is asked again."""


class OwnRuns:
    """Tells runs of a caller from those of others. For callers that are no runs all are theirs.

    What is below a run stays below it, so what was found once is remembered.
    """

    def __init__(self, reads: FlowRunReads) -> None:
        self._reads = reads
        self._below: collections.OrderedDict[tuple[str, uuid.UUID | None], None] = collections.OrderedDict()

    async def require(self, caller: Caller, flow_run_id: uuid.UUID | None) -> None:
        """Return if a caller may change a flow run, as far as that depends on which one it is.

        Args:
            caller: Who asks.
            flow_run_id: Which run; None is none, which is nobody's own.

        Raises:
            errors.PermissionDenied: The caller is another run, which is not above it and did not make it.
        """
        if not await self.are(caller, flow_run_id):
            raise not_own()

    async def are(self, caller: Caller, flow_run_id: uuid.UUID | None) -> bool:
        """Return whether a caller may change a flow run, as far as that depends on which one it is."""
        own = only_run(caller)
        if own is None or own == flow_run_id or (caller.run_id, flow_run_id) in self._below:
            return True
        if flow_run_id is None or not await self._reads.is_below(caller.workspace_id, flow_run_id, own):
            return False
        self.remember(caller, flow_run_id)
        return True

    async def exist(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> bool:
        """Return whether there is any of the flow runs."""
        return bool(await self._reads.load_many(workspace_id, flow_run_ids))

    def remember(self, caller: Caller, flow_run_id: uuid.UUID) -> None:
        """Note that a flow run is below the one that calls, which made it just now."""
        if not caller.is_run:
            return
        self._below[caller.run_id, flow_run_id] = None
        if len(self._below) > MOST_KNOWN:
            self._below.popitem(last=False)


def only_run(caller: Caller) -> uuid.UUID | None:
    """Return the flow run beside which, and what is below it, a caller changes none; None changes all."""
    return None if caller.may(OTHER_RUNS) else caller.run_uuid


def not_own() -> errors.PermissionDenied:
    """Return the refusal to change what is another run's."""
    return errors.PermissionDenied(
        "a flow run changes itself, its subflows and the runs that it made; for others its worker's account needs "
        "the permission other-runs-edit",
        reason="NOT_OWN_RUN",
    )


def maker(caller: Caller) -> tuple[str, str, str]:
    """Return the kind, id and name of whoever makes something: a run, if one calls."""
    if caller.is_run:
        return "flow_run", caller.run_id, ""
    return caller.principal_kind, caller.principal_id, caller.display_name
