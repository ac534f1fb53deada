"""What the notification service needs of storage, of its own news and of its neighbours, in its own words."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from headrace_notification.rules.automations import Action, Automation, Steer, SteerPlace, SteerSchedule
from headrace_notification.rules.deliveries import AfterTry, Answer, Delivery, Status
from headrace_notification.rules.events import Event, EventCounts, EventFilter, Facet, Key
from headrace_notification.rules.firings import BucketKey, Changes, Memory, Remembered


@dataclasses.dataclass(frozen=True, slots=True)
class Followed:
    """How far a source is followed, to be stored together with its events."""

    source: str
    cursor: str
    until: datetime.datetime | None
    """Everything that happened there until then has come; None if that is not known."""


class EventStore(Protocol):
    """Keeps events."""

    async def add(self, events: Sequence[Event], followed: Followed | None = None) -> int:
        """Store the events whose ids are not known, in this order, and how far their source is followed.

        Returns:
            How many were new.

        Raises:
            errors.InvalidArgument: One of them cannot be stored; nothing was.
            errors.LeaseLost: The source is followed by another process by now; nothing was stored.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, event_id: uuid.UUID) -> Event | None:
        """Return an event, None if there is none."""
        ...

    async def list_events(
        self, workspace_id: uuid.UUID, wanted: EventFilter, *, after: Key | None, newest_first: bool, limit: int
    ) -> list[Event]:
        """Return at most `limit` events behind `after` in the order of time, or in the opposite one."""
        ...

    async def count(
        self,
        workspace_id: uuid.UUID,
        wanted: EventFilter,
        facet: Facet,
        span: tuple[datetime.datetime, datetime.datetime],
        *,
        buckets: int,
        most_values: int,
        most_events: int,
    ) -> EventCounts:
        """Return how many events there are in a span, by value and bucket of time; of the newest `most_events`."""
        ...

    async def load_cursor(self, source: str) -> str:
        """Return how far a source is followed; "" if it never was."""
        ...


class EventFollower(Protocol):
    """One who is told what is stored in a workspace."""

    position: int
    """Everything up to here is told; opaque, it rises."""

    async def next(self, timeout_seconds: float) -> list[Event] | None:
        """Return events that were stored and match, waiting up to `timeout_seconds`; None if nothing was stored.

        Raises:
            errors.FailedPrecondition: What is behind the position is not kept any more.
        """
        ...


class EventTail(Protocol):
    """Tells what is stored, as it happens."""

    def follow(
        self, workspace_id: uuid.UUID, wanted: EventFilter, position: int | None
    ) -> contextlib.AbstractAsyncContextManager[EventFollower]:
        """Lend a follower that begins behind `position`; None is from now on."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class AutomationPage:
    """Which automations."""

    name_contains: str
    enabled: bool | None
    owner_resource_id: str
    after: tuple[str, uuid.UUID] | None
    limit: int


class AutomationWork(Protocol):
    """One change of automations; all of it happens, or nothing."""

    async def add(self, automation: Automation) -> Automation | None:
        """Store a new automation and return it as stored; None if its id is taken."""
        ...

    async def load(self, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> Automation | None:
        """Return an automation, locked."""
        ...

    async def replace(self, automation: Automation) -> Automation:
        """Store new values and return it as stored."""
        ...

    async def delete(self, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> bool:
        """Delete an automation with what it remembers; return whether it was there."""
        ...

    async def delete_owned(self, workspace_id: uuid.UUID, owner_resource_id: str) -> int:
        """Delete the automations that a resource owns, with what they remember; return how many there were."""
        ...

    async def remember(self, automation: Automation, first: Changes) -> None:
        """Have an automation remember this and nothing else."""
        ...


class AutomationStore(Protocol):
    """Keeps automations."""

    def change(self) -> contextlib.AbstractAsyncContextManager[AutomationWork]:
        """Begin a change; it holds once the block is left without an error."""
        ...

    async def load(self, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> Automation | None:
        """Return an automation."""
        ...

    async def list_automations(self, workspace_id: uuid.UUID, page: AutomationPage) -> list[Automation]:
        """Return automations by name."""
        ...

    async def catalogue_version(self) -> int:
        """Return the version of the last change of any automation."""
        ...

    async def count_enabled(self) -> int:
        """Return how many automations are enabled."""
        ...

    async def changed_since(self, version: int) -> list[Automation]:
        """Return the automations changed after a version."""
        ...

    async def enabled_ids(self) -> set[uuid.UUID]:
        """Return the ids of the enabled automations."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """What was stored behind a cursor: events, and up to when sources are followed in line with them."""

    events: list[Event]
    followed_until: Mapping[str, datetime.datetime]
    cursor: int
    read_at: datetime.datetime
    """When it was looked; if nothing was there, everything stored before is evaluated."""


class EvaluationWork(Protocol):
    """One step of the evaluation; all of it happens, or nothing."""

    async def hold(self, automation_ids: Collection[uuid.UUID], *, wait: bool = True) -> set[uuid.UUID]:
        """Keep other steps from automations of several conditions until this one ends.

        Args:
            automation_ids: Which ones.
            wait: Whether to wait for those that other steps have.

        Returns:
            Those that this step has.
        """
        ...

    async def missing(self, events: Sequence[Event], leaders: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Return those of `leaders` that nobody has looked at before `events`."""
        ...

    async def hold_events(self, events: Sequence[Event], seconds: float) -> None:
        """Have events wait for those that they follow, for so long at most."""
        ...

    async def release_events(self, leaders: Collection[uuid.UUID]) -> list[Event]:
        """Return events that waited for `leaders`, or long enough; they wait no more."""
        ...

    async def lock(self, keys: Sequence[BucketKey]) -> dict[BucketKey, Remembered]:
        """Return what automations remember for keys, locked."""
        ...

    async def lock_due(self, limit: int) -> tuple[dict[BucketKey, Remembered], datetime.datetime | None]:
        """Return what is remembered whose time is over, locked, and the time now."""
        ...

    async def save(self, remembered: Memory, automations: Mapping[uuid.UUID, Automation]) -> None:
        """Store what is remembered from now on; None forgets."""
        ...

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries."""
        ...

    async def tell(self, events: Sequence[Event]) -> None:
        """Store what automations did as events, to be evaluated by a later step."""
        ...

    async def mark_fired(self, fired_at: Mapping[uuid.UUID, datetime.datetime]) -> None:
        """Store when automations last fired."""
        ...

    async def advance(self, cursor: int, followed_until: Mapping[str, datetime.datetime]) -> None:
        """Store how far the evaluation has come."""
        ...


class EvaluationStore(Protocol):
    """Keeps what triggers remember, and how far events are evaluated."""

    def step(self) -> contextlib.AbstractAsyncContextManager[EvaluationWork]:
        """Begin a step; it holds once the block is left without an error.

        Raises:
            errors.LeaseLost: Another process evaluates by now.
        """
        ...

    def watch(self) -> contextlib.AbstractAsyncContextManager[EvaluationWork]:
        """Begin a step of the timers, which every process may take."""
        ...

    async def load_cursor(self) -> int:
        """Return how far events are evaluated."""
        ...

    async def read(self, cursor: int) -> Stored:
        """Return what was stored behind `cursor`."""
        ...

    async def has_overdue(self) -> bool:
        """Return whether events have waited long enough for those that they follow."""
        ...

    async def tell_evaluated(self, until: datetime.datetime) -> None:
        """Store that everything stored before `until` is evaluated."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Which deliveries."""

    automation_id: uuid.UUID | None
    statuses: tuple[Status, ...]
    event_id: uuid.UUID | None
    before: uuid.UUID | None
    limit: int


class DeliveryStore(Protocol):
    """Keeps deliveries."""

    async def claim(self, limit: int, *, per_automation: int, busy: Sequence[uuid.UUID]) -> list[Delivery]:
        """Claim due deliveries for a try: a few of each automation, none of the busy ones."""
        ...

    async def finish(self, delivery: Delivery, after: AfterTry, answer: Answer) -> bool:
        """Store what came of a try; return False if another process has taken the delivery over."""
        ...

    async def load(self, workspace_id: uuid.UUID, delivery_id: uuid.UUID) -> Delivery | None:
        """Return a delivery."""
        ...

    async def list_unsent(self, after: uuid.UUID, limit: int) -> list[Delivery]:
        """Return deliveries of all workspaces that may still be sent, in the order of their ids, behind `after`."""
        ...

    async def replace_action(self, delivery_id: uuid.UUID, action: Action) -> None:
        """Store what a delivery does, encrypted anew."""
        ...

    async def resend(self, workspace_id: uuid.UUID, delivery_id: uuid.UUID) -> bool:
        """Queue a delivery again that was given up; return whether it was."""
        ...

    async def list_deliveries(self, workspace_id: uuid.UUID, page: DeliveryPage) -> list[Delivery]:
        """Return deliveries, newest first."""
        ...


class Secrets(Protocol):
    """Seals and opens secrets."""

    def seal(self, text: str, context: str) -> str:
        """Return `text` encrypted."""
        ...

    def open(self, sealed: str, context: str) -> str:
        """Return what was sealed."""
        ...

    def is_newest(self, sealed: str) -> bool:
        """Return whether it was sealed with the key that seals now."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What is sent to a receiver."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    allow_private_addresses: bool


class WebhookSender(Protocol):
    """Calls URLs of users."""

    async def send(self, request: WebhookRequest) -> Answer:
        """Make the call and return what came of it."""
        ...


class Runs(Protocol):
    """What other services do to runs, on behalf of a workspace."""

    async def describe(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> dict[str, Any] | None:
        """Return a flow run as templates see it, None if there is none."""
        ...

    async def variables(self, workspace_id: uuid.UUID, names: Sequence[str]) -> dict[str, Any]:
        """Return the values of those of these variables that there are."""
        ...

    async def do(self, delivery: Delivery, action: Action, target: uuid.UUID) -> Answer:
        """Do to `target` (a deployment or flow run) what the action says and return what came of it."""
        ...

    async def steer(self, delivery: Delivery, action: Steer | SteerPlace | SteerSchedule) -> Answer:
        """Pause, resume or delete what the action names and return what came of it."""
        ...


class RunLogs(Protocol):
    """What flow runs wrote."""

    async def last_lines(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, count: int) -> list[str]:
        """Return the last lines of a flow run's log, oldest first.

        Raises:
            errors.HeadraceError: Who keeps it does not tell.
        """
        ...
