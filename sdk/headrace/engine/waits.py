"""What runs wait for beside their tasks: to be resumed, inputs, events."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace.engine.backend import Verdict
from headrace.states import State


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """Something that was sent to a flow run."""

    key: str
    value: Any
    """As JSON."""
    sender: str
    created_at: datetime.datetime
    """By the server's clock."""
    is_new: bool = False
    """Whether it was sent by this very call."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventWish:
    """Which event a run waits for."""

    names: Sequence[str]
    """Any of these; "*" at the end matches any rest. Empty: any."""
    resource: Mapping[str, Sequence[str]]
    """For each label of the event's resource the values of which any fits."""
    related: Sequence[Mapping[str, Sequence[str]]]
    """For each of these there must be a related resource that is like it."""


class Waits(Protocol):
    """Where runs pause, and what is sent to them. Everything returns a future."""

    def pause(
        self, flow_run_id: str, *, suspends: bool, key: str, timeout_seconds: float | None, reason: str
    ) -> concurrent.futures.Future[Verdict]:
        """Pause a flow run from outside."""

    def resume(self, flow_run_id: str, run_input: Mapping[str, Any] | None) -> concurrent.futures.Future[Verdict]:
        """Resume a flow run; the future raises InvalidArgument if the input does not fit the run's form."""

    def while_paused(self, flow_run_id: str) -> concurrent.futures.Future[State[Any]]:
        """Wait until a flow run is not PAUSED; gives the state that it is in then."""

    def send_input(
        self, flow_run_id: str, key: str, value: Any, sender: str, *, replaces: bool = False
    ) -> concurrent.futures.Future[InputRecord]:
        """Send an input; gives the first one with the key, unless this one replaces it."""

    def wait_for_inputs(
        self, flow_run_id: str, prefix: str, known: Sequence[str], seconds: float
    ) -> concurrent.futures.Future[list[InputRecord]]:
        """Wait up to `seconds` for inputs that are not known; gives them oldest first, or none."""

    def delete_input(self, flow_run_id: str, key: str) -> concurrent.futures.Future[bool]:
        """Delete an input; the result says whether there was one."""

    def await_event(self, flow_run_id: str, key: str, wish: EventWish) -> concurrent.futures.Future[None]:
        """Have the next such event sent to a flow run as the input `key`. Asking again for the same changes nothing."""

    def forget_event(self, flow_run_id: str, key: str) -> concurrent.futures.Future[None]:
        """Stop waiting for an event."""
