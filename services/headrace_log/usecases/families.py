"""Which runs a follower is told about: those that are named, and those below them as they come."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection

from headrace import errors
from headrace_log.repository import RecordNews, RunFamilies
from headrace_log.rules.records import RecordFilter, fault_of_family

MOST_STRANGERS = 10_000
"""Runs that are remembered to be of no concern; of more it is asked again."""


class Family:
    """The runs of one follower.

    A run exists before it can write, so whether a record concerns the follower is known before anything behind it is
    passed over: nothing has to be looked for again when a run turns out to belong.

    Args:
        families: Tells which runs are below others.
        workspace_id: Whose runs.
        wanted: What is asked for.
    """

    def __init__(self, families: RunFamilies, workspace_id: uuid.UUID, wanted: RecordFilter) -> None:
        self._families = families
        self._workspace_id = workspace_id
        self._grows = wanted.with_children
        self._named = wanted.flow_run_ids
        self._members = frozenset(wanted.flow_run_ids)
        self._strangers: set[uuid.UUID] = set()
        self.wanted = dataclasses.replace(wanted, with_children=False)
        """What is asked for, the runs of the family as they are known now by their ids."""

    async def look(self) -> bool:
        """Find all that is below; return whether there is more than was known.

        Raises:
            errors.InvalidArgument: They are too many.
            errors.Unavailable: The state service does not answer.
        """
        if not self._grows:
            return False
        return self._add(await self._families.with_children(self._workspace_id, self._named))

    async def take(self, news: RecordNews) -> None:
        """Find out whether runs that have written belong to the family.

        Raises:
            errors.InvalidArgument: They are too many.
            errors.Unavailable: The state service does not answer.
        """
        if not self._grows:
            return
        written: set[uuid.UUID] = set()
        for appended in news.appended or ():
            if appended.flow_run_ids is not None:
                written |= appended.flow_run_ids
        if news.appended is None or any(appended.flow_run_ids is None for appended in news.appended):
            await self.look()
        await self._judge(written - self._members - self._strangers)

    async def _judge(self, unknown: Collection[uuid.UUID]) -> None:
        parents: dict[uuid.UUID, uuid.UUID | None] = {}
        asked = set(unknown)
        while asked:
            # Of those that do not exist nothing is told; they are nobody's children.
            found = await self._families.parents(self._workspace_id, sorted(asked))
            parents.update({run: found.get(run) for run in asked})
            asked = {parent for parent in found.values() if parent is not None}
            asked -= self._members | self._strangers | parents.keys()
        if len(self._strangers) > MOST_STRANGERS:
            self._strangers.clear()
        members: set[uuid.UUID] = set()
        for run in parents:
            line = [run]
            while (above := parents.get(line[-1])) is not None and above not in self._members:
                line.append(above)
            (members if above is not None else self._strangers).update(line)
        if members:
            self._add(members)

    def _add(self, runs: Collection[uuid.UUID]) -> bool:
        members = self._members.union(runs)
        if len(members) == len(self._members):
            return False
        if (fault := fault_of_family(len(members))) is not None:
            raise errors.InvalidArgument.of_field("filter.with_children", fault)
        self._members = members
        self.wanted = dataclasses.replace(self.wanted, flow_run_ids=tuple(members))
        return True
