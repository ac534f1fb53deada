"""Whose log a flow run writes with its token: its own, and those of runs below it or made by it."""

from __future__ import annotations

import collections
import uuid
from collections.abc import Collection

from headrace import errors
from headrace_chassis.caller import OTHER_RUNS, Caller
from headrace_log.repository import RunFamilies

MOST_KNOWN = 10_000
"""Runs that are known to be below others; of more it is asked again."""

MOST_STEPS = 100
"""How far up it is looked for the run that writes."""


class OwnRuns:
    """Tells runs of a writer from those of others. For writers that are no runs all are theirs.

    What is below a run stays below it, so the state service is asked once for each run that another one writes for.
    """

    def __init__(self, families: RunFamilies) -> None:
        self._families = families
        self._below: collections.OrderedDict[tuple[str, uuid.UUID], None] = collections.OrderedDict()

    async def require(self, caller: Caller, flow_run_ids: Collection[uuid.UUID]) -> None:
        """Return if a caller may write to the logs of flow runs.

        Raises:
            errors.PermissionDenied: The caller is a flow run, and one of them is another's.
            errors.Unavailable: The state service does not answer.
        """
        if not caller.is_run or caller.may(OTHER_RUNS):
            return
        known, own = self._below, uuid.UUID(caller.run_id)
        unknown = [run for run in flow_run_ids if run != own and (caller.run_id, run) not in known]
        if not unknown:
            return
        above: dict[uuid.UUID, uuid.UUID | None] = {}
        asked = set(unknown)
        for _ in range(MOST_STEPS):
            if not asked:
                break
            found = await self._families.makers(caller.workspace_id, sorted(asked))
            above.update({run: found.get(run) for run in asked})
            asked = {run for run in found.values() if run is not None} - {own} - above.keys()
        for run in unknown:
            line: uuid.UUID | None = run
            for _ in range(MOST_STEPS):
                if line is None or line == own:
                    break
                line = above.get(line)
            if line != own:
                raise errors.PermissionDenied(
                    "a flow run writes to its own log and those of its subflows and the runs that it made; for others "
                    "its worker's account needs the permission other-runs-edit",
                    reason="NOT_OWN_RUN",
                )
        for run in unknown:
            known[caller.run_id, run] = None
            if len(known) > MOST_KNOWN:
                known.popitem(last=False)
