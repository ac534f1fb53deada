"""Conditions on measured figures: which runs they are measured of, and when they hold."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Iterator, Mapping

from headrace_notification.rules.events import RESOURCE_ID
from headrace_notification.rules.patterns import is_exact


class Metric(enum.Enum):
    """What is measured."""

    SUCCESS_RATE = "success_rate"
    """Part of the runs that ended in the window and completed, from 0 to 1."""
    DURATION = "duration"
    """How long runs that ended in the window ran, on average, in seconds."""
    LATENESS = "lateness"
    """How long after they were due runs of the window started, on average, in seconds."""
    QUEUE_DEPTH = "queue_depth"
    """How many runs are due and wait, now."""
    UNATTENDED_RUNS = "unattended_runs"
    """How many runs are due and wait in work pools without a worker that is online, now."""


OPERATORS = ("<", "<=", ">", ">=")
WINDOWED = frozenset({Metric.SUCCESS_RATE, Metric.DURATION, Metric.LATENESS})
"""Those that are measured over a window, not of one moment."""


@dataclasses.dataclass(frozen=True, slots=True)
class MetricTrigger:
    """Fires when a figure has been beyond a threshold for long enough; resolves when it no longer is."""

    metric: Metric
    operator: str
    threshold: float
    range: datetime.timedelta = datetime.timedelta(hours=1)
    firing_for: datetime.timedelta = datetime.timedelta()
    match: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    match_related: tuple[Mapping[str, tuple[str, ...]], ...] = ()

    def is_beyond(self, figure: float) -> bool:
        """Return whether a figure is beyond the threshold."""
        match self.operator:
            case "<":
                return figure < self.threshold
            case "<=":
                return figure <= self.threshold
            case ">":
                return figure > self.threshold
        return figure >= self.threshold


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Which runs a figure is measured of; empty fields do not restrict."""

    flow_ids: tuple[str, ...] = ()
    deployment_ids: tuple[str, ...] = ()
    work_pool_ids: tuple[str, ...] = ()
    work_queue_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A figure that is asked for; triggers with the same question share the answer."""

    workspace_id: uuid.UUID
    metric: Metric
    range: datetime.timedelta
    scope: Scope


_FIELDS = {
    "headrace.flow.": "flow_ids",
    "headrace.deployment.": "deployment_ids",
    "headrace.work-pool.": "work_pool_ids",
    "headrace.work-queue.": "work_queue_ids",
    "headrace.tag.": "tags",
}
_WITH_IDS = frozenset(_FIELDS) - {"headrace.tag."}


def scope_of(trigger: MetricTrigger) -> Scope:
    """Return which runs a trigger without faults is about."""
    found: dict[str, dict[str, None]] = {}
    for match in (trigger.match, *trigger.match_related):
        for resource_id in match.get(RESOURCE_ID, ()):
            for prefix, field in _FIELDS.items():
                if resource_id.startswith(prefix):
                    found.setdefault(field, {})[resource_id.removeprefix(prefix)] = None
    return Scope(**{field: tuple(values) for field, values in found.items()})


def question_of(workspace_id: uuid.UUID, trigger: MetricTrigger) -> Question:
    """Return the figure that a trigger needs."""
    window = trigger.range if trigger.metric in WINDOWED else datetime.timedelta()
    return Question(workspace_id, trigger.metric, window, scope_of(trigger))


def faults_of_match(trigger: MetricTrigger) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what a trigger is about: path and fault."""
    matches = {"match": trigger.match}
    matches |= {f"match_related[{place}]": match for place, match in enumerate(trigger.match_related)}
    for path, match in matches.items():
        for label, values in match.items():
            if label != RESOURCE_ID:
                yield f"{path}[{label}]", f"figures are measured of resources: only {RESOURCE_ID} can be matched"
                continue
            for value in values:
                prefix = next((prefix for prefix in _FIELDS if value.startswith(prefix)), None)
                if prefix is None or not is_exact(value):
                    words = ", ".join(f"{prefix}..." for prefix in _FIELDS)
                    yield f"{path}[{label}]", f"must be of these, in full: {words}"
                elif prefix in _WITH_IDS and not _is_id(value.removeprefix(prefix)):
                    yield f"{path}[{label}]", f"must end with a UUID: {value}"


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
