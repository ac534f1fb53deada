"""Service levels: what is promised of the runs of a deployment, and when a promise is broken."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid

_OFTEN = datetime.timedelta(seconds=2)
_SELDOM = datetime.timedelta(minutes=1)
_LOOKS = 20


class Kind(enum.StrEnum):
    """What is promised."""

    COMPLETION = "COMPLETION"
    LATENESS = "LATENESS"
    FREQUENCY = "FREQUENCY"


class Severity(enum.StrEnum):
    """How bad it is when the promise is broken."""

    MINOR = "MINOR"
    LOW = "LOW"
    MODERATE = "MODERATE"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


@dataclasses.dataclass(frozen=True, slots=True)
class GivenLevel:
    """A promise as a user gives it."""

    name: str
    kind: Kind
    within_seconds: float
    severity: Severity = Severity.MODERATE
    disabled: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A promise about the runs of a deployment."""

    service_level_id: uuid.UUID
    workspace_id: uuid.UUID
    deployment_id: uuid.UUID
    name: str
    kind: Kind
    within_seconds: float
    severity: Severity
    disabled: bool
    since: datetime.datetime
    """From when on it is promised."""
    checked_at: datetime.datetime
    """Up to when it was looked at."""
    violated_at: datetime.datetime | None
    created_at: datetime.datetime

    @property
    def within(self) -> datetime.timedelta:
        """The time of the promise."""
        return datetime.timedelta(seconds=self.within_seconds)

    def next_check_after(self, now: datetime.datetime) -> datetime.datetime:
        """Return when to look again: the more often, the shorter the time of the promise is."""
        return now + min(max(self.within / _LOOKS, _OFTEN), _SELDOM)


@dataclasses.dataclass(frozen=True, slots=True)
class Breach:
    """A broken promise."""

    subject: str
    """What broke it: each thing breaks a promise once."""
    message: str
    flow_run_id: uuid.UUID | None = None
    flow_run_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class LevelRun:
    """A run, as far as promises are about it."""

    flow_run_id: uuid.UUID
    name: str
    expected_start_at: datetime.datetime | None
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None


def late_completion(level: ServiceLevel, run: LevelRun, now: datetime.datetime) -> Breach | None:
    """Return the breach if a run has taken too long, whether it is over or not."""
    if run.started_at is None or (run.ended_at or now) - run.started_at <= level.within:
        return None
    return _of(run, f"The run {run.name} took longer than {level.within_seconds:g} s.")


def late_start(level: ServiceLevel, run: LevelRun, now: datetime.datetime) -> Breach | None:
    """Return the breach if a run started too late, or has not started although it should have."""
    if run.expected_start_at is None or run.expected_start_at < level.since:
        return None
    started = run.started_at or (run.ended_at if run.ended_at is not None else now)
    if started - run.expected_start_at <= level.within:
        return None
    return _of(run, f"The run {run.name} did not start within {level.within_seconds:g} s of its time.")


def silence(level: ServiceLevel, latest: LevelRun | None, now: datetime.datetime) -> Breach | None:
    """Return the breach if no run has completed for too long; `latest` is the last one that did."""
    heard_at = max(level.since, latest.ended_at) if latest is not None and latest.ended_at else level.since
    if now - heard_at <= level.within:
        return None
    after = f"after {latest.flow_run_id}" if latest is not None else f"since {level.since.isoformat()}"
    return Breach(after, f"No run has completed within {level.within_seconds:g} s.")


def _of(run: LevelRun, message: str) -> Breach:
    return Breach(f"flow-run {run.flow_run_id}", message, run.flow_run_id, run.name)
