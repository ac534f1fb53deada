"""Waiting that outlives the process: until a time, or until an event.

    @flow
    def follow_up(order: str) -> None:
        remind(order)
        sleep_for(datetime.timedelta(days=3))
        if not is_paid(order):
            remind(order)

A run of a deployment that has to wait for more than a few seconds gives its process and its slots up. When the
time has come, any worker goes on with it: the flow is called again, tasks that completed with persisted results are
not executed again, and what was waited for once is not waited for again. A run without a deployment, a subflow and
a task wait in their processes, and the last two say so in the log. Each function has a twin for asynchronous code, with
an `a` before its name.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.context import current_run
from headrace.engine.patience import Steps, do_here, do_on_loop
from headrace.engine.runs import FlowRun
from headrace.engine.waits import EventWish, InputRecord
from headrace.inputs import FLOW_RUN
from headrace.outcomes import MissingContext, SuspendInterrupt, WaitTimedOut
from headrace.states import State, StateDetails, StateType

logger = logging.getLogger("headrace.flow_runs")

HOLD_SECONDS = 10.0
"""Waits that last no longer are waited for in the process: giving it up would not be worth it."""

_LONGEST_CALL_SECONDS = 3600.0


def sleep_until(when: datetime.datetime, *, key: str | None = None, hold_seconds: float = HOLD_SECONDS) -> None:
    """Wait until a time, however often the flow is executed again meanwhile.

    Args:
        when: The time; without a time zone it is taken as UTC.
        key: Names the wait; by default waits are numbered in the order of the calls.
        hold_seconds: Up to how many seconds are waited for in the process.
    """
    run = _own_run()
    do_here(_sleep(run, {"until": _utc(when).isoformat()}, key, hold_seconds), run)


async def asleep_until(when: datetime.datetime, *, key: str | None = None, hold_seconds: float = HOLD_SECONDS) -> None:
    """Wait until a time; as `sleep_until`."""
    await do_on_loop(_sleep(_own_run(), {"until": _utc(when).isoformat()}, key, hold_seconds))


def sleep_for(span: float | datetime.timedelta, *, key: str | None = None, hold_seconds: float = HOLD_SECONDS) -> None:
    """Wait for a span of time, which is counted from the first call, however often the flow is executed again.

    Args:
        span: Seconds, or a span of time.
        key: Names the wait; by default waits are numbered in the order of the calls.
        hold_seconds: Up to how many seconds are waited for in the process.
    """
    run = _own_run()
    do_here(_sleep(run, {"seconds": _seconds(span)}, key, hold_seconds), run)


async def asleep_for(
    span: float | datetime.timedelta, *, key: str | None = None, hold_seconds: float = HOLD_SECONDS
) -> None:
    """Wait for a span of time; as `sleep_for`."""
    await do_on_loop(_sleep(_own_run(), {"seconds": _seconds(span)}, key, hold_seconds))


@dataclasses.dataclass(frozen=True, slots=True)
class AwaitedEvent:
    """An event that came."""

    event_id: str
    name: str
    """For example `order.placed`, or `headrace.flow-run.Completed`."""
    occurred_at: datetime.datetime
    resource: Mapping[str, Any]
    """What it is about: id, name and labels."""
    related: Sequence[Mapping[str, Any]]
    """What else it concerns: id, role, name and labels of each."""
    payload: Any


def wait_for_event(
    *names: str,
    resource: Mapping[str, str | Sequence[str]] | None = None,
    related: Mapping[str, str | Sequence[str]] | Sequence[Mapping[str, str | Sequence[str]]] = (),
    timeout: float | datetime.timedelta | None = None,
    key: str | None = None,
    hold_seconds: float = HOLD_SECONDS,
) -> AwaitedEvent:
    """Wait for the next event that fits, from the first call on, however often the flow is executed again.

    Args:
        *names: Any of these; "*" at the end matches any rest. None: any event.
        resource: For labels of what the event is about (`headrace.resource.id`, for example) a value, or several of
            which any fits; "*" at the end matches any rest.
        related: The same for a related resource, or for several of which each has to be there.
        timeout: After how long to give up; None waits for ever.
        key: Names the wait; by default waits are numbered in the order of the calls.
        hold_seconds: For how many seconds the process is kept.

    Raises:
        headrace.outcomes.WaitTimedOut: No such event came in time, or the run was resumed without it.
        headrace.outcomes.MissingContext: There is no flow run here, or the caller is a task.
    """
    run = _flow_run_of("wait_for_event")
    wish = EventWish(names=names, resource=_labels(resource or {}), related=_all_labels(related))
    return do_here(_wait_for_event(run, wish, _limit(timeout), key, hold_seconds), run)


async def await_for_event(
    *names: str,
    resource: Mapping[str, str | Sequence[str]] | None = None,
    related: Mapping[str, str | Sequence[str]] | Sequence[Mapping[str, str | Sequence[str]]] = (),
    timeout: float | datetime.timedelta | None = None,
    key: str | None = None,
    hold_seconds: float = HOLD_SECONDS,
) -> AwaitedEvent:
    """Wait for the next event that fits; as `wait_for_event`."""
    run = _flow_run_of("wait_for_event")
    wish = EventWish(names=names, resource=_labels(resource or {}), related=_all_labels(related))
    return await do_on_loop(_wait_for_event(run, wish, _limit(timeout), key, hold_seconds))


def _wait_for_event(
    run: FlowRun, wish: EventWish, timeout: float | None, key: str | None, hold_seconds: float
) -> Steps[AwaitedEvent]:
    waits = run.backend.waits
    key = key or f"event-{run.counters.next('headrace.event')}"
    begun: InputRecord = yield waits.send_input(run.id, f"since-{key}", {"timeout": timeout}, FLOW_RUN + run.id)
    until = time.monotonic() + _left(begun, timeout)
    if key not in run.passed:
        yield waits.await_event(run.id, key, wish)
    leaves = may_leave(run)
    others: list[str] = []
    if until - time.monotonic() > hold_seconds and key not in run.passed:
        _say_that_it_stays("an event")
    while True:
        # Whatever has come by now counts, even where the time is over.
        left = until - time.monotonic()
        span = 0.0 if key in run.passed else min(left, hold_seconds if leaves else _LONGEST_CALL_SECONDS)
        found: list[InputRecord] = yield waits.wait_for_inputs(run.id, key, others, max(0.0, span))
        record = next((each for each in found if each.key == key), None)
        if record is not None:
            yield waits.forget_event(run.id, key)
            return _event(record.value)
        others += [each.key for each in found]
        left = until - time.monotonic()
        if left <= 0 or key in run.passed:
            yield waits.forget_event(run.id, key)
            raise WaitTimedOut(f"no such event came within {timeout:g} s" if timeout else "resumed without the event")
        if leaves:
            raise _until_event(key, wish, None if timeout is None else left)


def _until_event(key: str, wish: EventWish, left: float | None) -> SuspendInterrupt:
    message = f"It waits for an event {' or '.join(wish.names) or 'of any name'}."
    details = StateDetails(
        pause_key=key, pause_seconds=left, pause_reschedule=True, run_input_keyset={"awaited": key}, reason="AWAITING"
    )
    state: State[Any] = State(type=StateType.PAUSED, name="AwaitingEvent", message=message, details=details)
    return SuspendInterrupt(message, state)


def _left(begun: InputRecord, timeout: float | None) -> float:
    if timeout is None:
        return math.inf
    if begun.is_new:
        return timeout
    return timeout - (datetime.datetime.now(datetime.UTC) - begun.created_at).total_seconds()


def _event(value: Mapping[str, Any]) -> AwaitedEvent:
    return AwaitedEvent(
        event_id=str(value.get("id", "")),
        name=str(value.get("name", "")),
        occurred_at=datetime.datetime.fromisoformat(str(value["occurred_at"])),
        resource=value.get("resource") or {},
        related=value.get("related") or (),
        payload=value.get("payload"),
    )


def _labels(labels: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    return {label: [values] if isinstance(values, str) else list(values) for label, values in labels.items()}


def _all_labels(
    related: Mapping[str, str | Sequence[str]] | Sequence[Mapping[str, str | Sequence[str]]],
) -> list[dict[str, list[str]]]:
    if isinstance(related, Mapping):
        return [_labels(related)] if related else []
    return [_labels(each) for each in related]


def _limit(timeout: float | datetime.timedelta | None) -> float | None:
    return None if timeout is None else _seconds(timeout)


def _flow_run_of(what: str) -> FlowRun:
    run = _own_run()
    if run is None:
        raise MissingContext(f"{what} belongs into a flow: nothing could be remembered for a task or outside of a run")
    return run


def _sleep(run: FlowRun | None, length: dict[str, str | float], key: str | None, hold_seconds: float) -> Steps[None]:
    if run is None:
        left = float(length.get("seconds", 0.0))
        if "until" in length:
            until = datetime.datetime.fromisoformat(str(length["until"]))
            left = (until - datetime.datetime.now(datetime.UTC)).total_seconds()
        if left > hold_seconds:
            _say_that_it_stays(f"{left:.0f} s")
        yield max(0.0, left)
        return
    key = key or f"sleep-{run.counters.next('headrace.sleep')}"
    if key in run.passed:
        return
    record: InputRecord = yield run.backend.waits.send_input(run.id, key, length, FLOW_RUN + run.id)
    until_at, left = _end(record)
    if left <= 0:
        return
    if left > hold_seconds and may_leave(run):
        details = StateDetails(scheduled_at=until_at, reason="SLEEPING", pause_key=key)
        message = f"It sleeps until {until_at:%Y-%m-%d %H:%M:%S} UTC."
        raise SuspendInterrupt(
            message, State(type=StateType.SCHEDULED, name="Sleeping", message=message, details=details)
        )
    if left > hold_seconds:
        _say_that_it_stays(f"{left:.0f} s")
    yield left


def _end(record: InputRecord) -> tuple[datetime.datetime, float]:
    """Return when a sleep ends, and in how many seconds that is."""
    until = record.value.get("until")
    seconds = record.value.get("seconds")
    end = (
        datetime.datetime.fromisoformat(until)
        if until is not None
        else record.created_at + datetime.timedelta(seconds=seconds)
    )
    if record.is_new and seconds is not None:
        # It has only begun, so that the clocks need not agree.
        return end, float(seconds)
    return end, (end - datetime.datetime.now(datetime.UTC)).total_seconds()


def may_leave(run: FlowRun) -> bool:
    """Return whether another process could go on with a run of which this one gives up its own."""
    return run.assignment is not None


def _say_that_it_stays(what: str) -> None:
    """Tell of a long wait that a worker's process and slots are kept for, where its author may think otherwise."""
    here = current_run.get()
    task_run = here.task_run if here is not None else None
    run = task_run.host if task_run is not None else here
    if not isinstance(run, FlowRun) or (task_run is None and run.parent is None):
        return
    outermost = run
    while outermost.parent is not None:
        outermost = outermost.parent.host
    if may_leave(outermost):
        logger.warning(
            "A %s waits for %s and keeps the process of the run and its slots: only the flow that a worker has called"
            " can give them up. Wait in its own code.",
            "task" if task_run is not None else "subflow",
            what,
        )


def _own_run() -> FlowRun | None:
    """Return the flow run whose own code calls; None in a task and outside of a flow, where nothing is remembered."""
    here = current_run.get()
    return here if isinstance(here, FlowRun) and here.flow_run is not None else None


def _utc(when: datetime.datetime) -> datetime.datetime:
    return when.replace(tzinfo=datetime.UTC) if when.tzinfo is None else when.astimezone(datetime.UTC)


def _seconds(span: float | datetime.timedelta) -> float:
    seconds = span.total_seconds() if isinstance(span, datetime.timedelta) else float(span)
    if not seconds >= 0:
        raise errors.InvalidArgument.of_field("span", f"must not be negative, but is {seconds:g}")
    return seconds
