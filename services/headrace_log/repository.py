"""What the log service needs of storage, of its own news and of its neighbours, in its own words."""

from __future__ import annotations

import contextlib
import datetime
import enum
import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

from headrace_log.rules.histogram import Counts, Spans
from headrace_log.rules.quotas import Limits
from headrace_log.rules.records import Appended, Batch, Record, RecordFilter, Window
from headrace_log.rules.retention import Band, RetentionRule
from headrace_log.rules.sinks import Sink


class Outcome(enum.Enum):
    """What became of a batch."""

    STORED = "stored"
    """It was new and is committed."""
    REPEATED = "repeated"
    """It was committed before."""
    TOO_OLD = "too old"
    """Whether it was committed before is not known any more; it was left alone."""


class RecordStore(Protocol):
    """Takes records in."""

    async def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Store all batches that are new in one transaction, in this order; return what became of each.

        Raises:
            errors.InvalidArgument: A record cannot be stored; nothing was.
            errors.Unavailable: Nothing was stored, or it is not known whether it was.
        """
        ...


class RecordReader(Protocol):
    """Finds records."""

    async def list_records(
        self, workspace_id: uuid.UUID, wanted: RecordFilter, window: Window, *, newest_first: bool, limit: int
    ) -> list[Record]:
        """Return at most `limit` records in the order of time, or in the opposite one."""
        ...

    async def count_levels(self, workspace_id: uuid.UUID, wanted: RecordFilter, spans: Spans) -> list[Counts]:
        """Return how many records of each level there are in each span that has any, in the order of time."""
        ...


class SearchWatcher(Protocol):
    """Is told of searches in runs."""

    def began(self) -> None:
        """A search begins."""
        ...

    def ended(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, seconds: float) -> None:
        """It is over, and took so long."""
        ...


class StretchStore(Protocol):
    """Keeps what text is in the stretches of long runs."""

    async def extend(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, settled: int) -> int:
        """Add the next few stretches of a run, of records up to the position `settled`; return how many records.

        0 says that too few are left for a stretch, or that another replica is at it.
        """
        ...


class RecordFollower(Protocol):
    """One who is told what is committed in a workspace."""

    start: int
    """All records up to this position are committed; news begin behind it."""

    async def wait(self, timeout_seconds: float) -> RecordNews | None:
        """Return what was committed since the last call, waiting up to `timeout_seconds` for it; None if nothing."""
        ...


class RecordNews(Protocol):
    """What was committed."""

    @property
    def appended(self) -> tuple[Appended, ...] | None:
        """Commit by commit; None if there were too many to tell."""
        ...

    @property
    def position(self) -> int:
        """All records up to this position are committed."""
        ...


class RecordTail(Protocol):
    """Tells what is committed, as it happens."""

    @property
    def known_position(self) -> int:
        """A position up to which all records are known to be committed; it may be behind."""
        ...

    async def settle(self) -> int:
        """Return a position up to which all records are committed, with all that were before the call."""
        ...

    def follow(self, workspace_id: uuid.UUID) -> contextlib.AbstractAsyncContextManager[RecordFollower]:
        """Lend a follower of one workspace."""
        ...


class RunFamilies(Protocol):
    """Knows which runs are below others."""

    async def with_children(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> tuple[uuid.UUID, ...]:
        """Return the flow runs and all below them.

        Raises:
            errors.InvalidArgument: They are too many.
            errors.Unavailable: The state service does not answer.
        """
        ...

    async def parents(
        self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, uuid.UUID | None]:
        """Return above each of the flow runs that exist which one stands, None for those that stand by themselves.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        ...

    async def makers(
        self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, uuid.UUID | None]:
        """Return what `parents` does, and for those without a parent which flow run made them.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        ...


class RunFinality(Protocol):
    """Knows whether runs are over."""

    async def all_final(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> bool:
        """Return whether every one of the flow runs is final or does not exist.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        ...


class QuotaStore(Protocol):
    """Keeps how much was written, and how much may be."""

    async def add_usage(self, day: datetime.date, written: Mapping[uuid.UUID, tuple[int, int]]) -> None:
        """Add records and bytes to what workspaces have written on a day."""
        ...

    async def load_usage(self, day: datetime.date) -> dict[uuid.UUID, tuple[int, int]]:
        """Return the records and bytes of a day by workspace."""
        ...

    async def load_limits(self) -> dict[uuid.UUID, Limits]:
        """Return the limits of the workspaces that have some."""
        ...

    async def set_limits(self, workspace_id: uuid.UUID, limits: Limits) -> None:
        """Set the limits of a workspace."""
        ...


class RetentionStore(Protocol):
    """Keeps rules of retention, and deletes by them."""

    async def load_rules(self) -> dict[uuid.UUID, list[RetentionRule]]:
        """Return the rules of all workspaces."""
        ...

    async def set_rule(self, workspace_id: uuid.UUID, rule: RetentionRule) -> None:
        """Set a rule of retention.

        Raises:
            errors.ResourceExhausted: The workspace has as many as it may have.
        """
        ...

    async def delete_rule(self, workspace_id: uuid.UUID, deployment_id: str, level_at_most: int) -> bool:
        """Delete a rule; return whether it was there."""
        ...

    async def oldest(self, workspace_id: uuid.UUID, since: datetime.datetime | None) -> datetime.datetime | None:
        """Return when the oldest record of a workspace was written, of all or from a moment on; None without any."""
        ...

    async def list_runs(
        self, workspace_id: uuid.UUID, since: datetime.datetime, until: datetime.datetime
    ) -> list[uuid.UUID]:
        """Return the flow runs that wrote in a span of time."""
        ...

    async def delete_records(
        self,
        workspace_id: uuid.UUID,
        since: datetime.datetime,
        until: datetime.datetime,
        band: Band,
        *,
        of_runs: Sequence[uuid.UUID] | None = None,
        not_of_runs: Sequence[uuid.UUID] = (),
    ) -> int:
        """Delete records of a span of time and a band of levels; return how many."""
        ...

    async def save_swept(self, workspace_id: uuid.UUID, rule: RetentionRule, until: datetime.datetime) -> None:
        """Keep up to which moment was deleted by a rule, if it is still as it was."""
        ...


class SettingsStore(QuotaStore, RetentionStore, Protocol):
    """Keeps all settings of logs."""


class SinkStore(Protocol):
    """Keeps sinks and how far they are."""

    async def load_sinks(self) -> list[Sink]:
        """Return the sinks of all workspaces."""
        ...

    async def list_sinks(self, workspace_id: uuid.UUID, *, after: str, limit: int) -> list[Sink]:
        """Return sinks of a workspace by name, those behind the name `after`."""
        ...

    async def set_sink(self, sink: Sink) -> Sink:
        """Add a sink, or change what users say of it; return it as it is kept.

        Raises:
            errors.ResourceExhausted: The workspace has as many as it may have.
        """
        ...

    async def delete_sink(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Delete a sink; return whether it was there."""
        ...

    async def save_sent(self, sink: Sink, token: str, records: int) -> None:
        """Keep how far a sink is.

        Raises:
            errors.LeaseLost: Another replica sends by now.
        """
        ...

    async def save_failure(self, sink: Sink, error: str) -> bool:
        """Count a failure of a sink; return whether it is paused now, or gone."""
        ...


class Outlet(Protocol):
    """Sends records to sinks."""

    async def send(self, sink: Sink, records: Sequence[Record]) -> None:
        """Send records; return once they are taken.

        Raises:
            SinkFailed: They were not, or it is not known.
        """
        ...


class SinkFailed(Exception):
    """A sink did not take a batch; the message says why."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        """When it wants to be asked again; None if it did not say."""


class RunDeployments(Protocol):
    """Knows which deployments runs are of."""

    async def deployments(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Return the deployments of those runs that have one.

        Raises:
            errors.Unavailable: The state service does not answer.
        """
        ...
