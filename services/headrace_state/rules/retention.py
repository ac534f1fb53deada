"""For how long what is over is kept."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import math
import uuid
from collections.abc import Iterable, Mapping


class RetentionKind(enum.StrEnum):
    """What workspaces decide on."""

    FLOW_RUN = "FLOW_RUN"
    BACKGROUND_TASK_RUN = "BACKGROUND_TASK_RUN"
    ARTIFACT = "ARTIFACT"


EVERYTHING, DEPLOYMENT, TAG = "", "deployment", "tag"
"""What a rule is about: all of a kind, or the flow runs of a deployment or with a tag."""

FOR_EVER = math.inf


@dataclasses.dataclass(frozen=True, slots=True)
class RetentionRule:
    """For how long something is kept."""

    kind: str
    scope: str
    subject: str
    keep_days: float
    """`FOR_EVER` keeps it."""
    updated_at: datetime.datetime | None = None


class RetentionRules:
    """What holds in a workspace.

    Args:
        rules: Those of the workspace.
        defaults: The server's figures by kind.
    """

    def __init__(self, rules: Iterable[RetentionRule], defaults: Mapping[str, float]) -> None:
        self._general = dict(defaults)
        self._by_deployment: dict[str, float] = {}
        self._by_tag: dict[str, float] = {}
        for rule in rules:
            if rule.scope == DEPLOYMENT:
                self._by_deployment[rule.subject] = rule.keep_days
            elif rule.scope == TAG:
                self._by_tag[rule.subject] = rule.keep_days
            else:
                self._general[rule.kind] = rule.keep_days

    def days_of(self, kind: RetentionKind) -> float:
        """Return for how many days things of a kind are kept, if nothing more special holds."""
        return self._general.get(kind, FOR_EVER)

    def shortest_of_flow_runs(self) -> float:
        """Return the days after which the first flow runs may go."""
        special = (*self._by_deployment.values(), *self._by_tag.values())
        return min((self.days_of(RetentionKind.FLOW_RUN), *special))

    def days_of_flow_run(self, deployment_id: uuid.UUID | None, tags: Iterable[str]) -> float:
        """Return for how many days a flow run is kept: by its deployment, else by its tags, else in general."""
        if deployment_id is not None and str(deployment_id) in self._by_deployment:
            return self._by_deployment[str(deployment_id)]
        tagged = [self._by_tag[tag] for tag in tags if tag in self._by_tag]
        return max(tagged) if tagged else self.days_of(RetentionKind.FLOW_RUN)
