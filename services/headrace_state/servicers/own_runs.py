"""What a flow run may change with its token: itself, what is below it, and what it made."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_chassis.caller import OTHER_RUNS, Caller
from headrace_state.repository.flow_runs import FlowRunReads


class OwnRuns:
    """Tells runs of a caller from those of others. For callers that are no runs all are theirs."""

    def __init__(self, reads: FlowRunReads) -> None:
        self._reads = reads

    async def require(self, caller: Caller, flow_run_id: uuid.UUID | None) -> None:
        """Return if a caller may change a flow run, as far as that depends on which one it is.

        Args:
            caller: Who asks.
            flow_run_id: Which run; None is none, which is nobody's own.

        Raises:
            errors.PermissionDenied: The caller is another run, which is not above it and did not make it.
        """
        if not caller.is_run or caller.may(OTHER_RUNS) or str(flow_run_id) == caller.run_id:
            return
        if flow_run_id is not None:
            own = uuid.UUID(caller.run_id)
            if await self._reads.is_below(caller.workspace_id, flow_run_id, own):
                return
        raise errors.PermissionDenied(
            "a flow run changes itself, its subflows and the runs that it made; for others its worker's account needs "
            "the permission other-runs-edit",
            reason="NOT_OWN_RUN",
        )


def maker(caller: Caller) -> tuple[str, str, str]:
    """Return the kind, id and name of whoever makes something: a run, if one calls."""
    if caller.is_run:
        return "flow_run", caller.run_id, ""
    return caller.principal_kind, caller.principal_id, caller.display_name
