"""What a flow run may report on with its token: on its own attempts, and on tasks that it calls outside of flows."""

from __future__ import annotations

from collections.abc import Sequence

from headrace import errors
from headrace_chassis.caller import Caller
from headrace_chassis.codecs import parse_uuid
from headrace_state.repository.background import BackgroundTasks
from headrace_state.servicers.own_runs import OwnRuns, not_own


class OwnAttempts:
    """Tells attempts of a caller from those of others. For callers that are no runs all are theirs.

    Whoever knows the token of an attempt may report on it; but the tokens of clients that keep none are made of the ids
    of their runs, and these are no secret.

    Args:
        own: Tells which flow runs are the caller's.
        tasks: Knows background tasks.
    """

    def __init__(self, own: OwnRuns, tasks: BackgroundTasks) -> None:
        self._own = own
        self._tasks = tasks

    async def require(self, caller: Caller, ids: Sequence[str]) -> None:
        """Return if a caller may report on attempts, as far as that depends on what they are of.

        Args:
            caller: Who reports.
            ids: Of flow runs, and of task runs outside of flows.

        Raises:
            errors.PermissionDenied: The caller is a flow run, and one of them is another's.
            errors.InvalidArgument: One is no id.
        """
        if not caller.is_run:
            return
        try:
            others = [each for each in map(parse_uuid, ids) if not await self._own.are(caller, each)]
        except ValueError:
            raise errors.InvalidArgument.of_field("attempts", "name flow runs by UUIDs") from None
        # A task that is called outside of flows is recorded by itself, unless it was queued for others.
        if others and (
            await self._own.exist(caller.workspace_id, others)
            or await self._tasks.queued_by(caller.workspace_id, others)
        ):
            raise not_own()
