"""Pauses, inputs and events of runs that are kept in memory, for tests of flows."""

from __future__ import annotations

import concurrent.futures
import datetime
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.engine.backend import Verdict, done, refused
from headrace.engine.waits import EventWish, InputRecord
from headrace.states import State, StateDetails, StateType

AUTOMATION = "headrace.automation"


class MemoryWaits:
    """Implements `headrace.engine.waits.Waits` without a server.

    Args:
        state_of: Returns the state of a flow run; raises KeyError if there is none.
        enter: Puts a flow run into a state, and tells its process.
    """

    def __init__(self, state_of: Callable[[str], State[Any]], enter: Callable[[str, State[Any]], None]) -> None:
        self._state_of = state_of
        self._enter = enter
        self._lock = threading.RLock()
        self._inputs: dict[str, dict[str, InputRecord]] = {}
        self._paused: dict[str, list[concurrent.futures.Future[State[Any]]]] = {}
        self._receivers: list[tuple[str, str, frozenset[str], concurrent.futures.Future[list[InputRecord]]]] = []
        self._events: dict[tuple[str, str], EventWish] = {}

    def pause(
        self, flow_run_id: str, *, suspends: bool, key: str, timeout_seconds: float | None, reason: str
    ) -> concurrent.futures.Future[Verdict]:
        """Pause a flow run from outside."""
        state = self._state_of(flow_run_id)
        if suspends:
            return done(Verdict(outcome="aborted", state=state, reason="no worker could go on", code="NOT_CLAIMABLE"))
        if not state.is_running():
            return done(Verdict(outcome="aborted", state=state, reason=f"the run is {state.name}"))
        details = StateDetails(pause_key=key or "request", pause_seconds=timeout_seconds)
        paused: State[Any] = State(type=StateType.PAUSED, message=reason, details=details)
        self._enter(flow_run_id, paused)
        return done(Verdict(outcome="accepted", state=paused))

    def resume(self, flow_run_id: str, run_input: Mapping[str, Any] | None) -> concurrent.futures.Future[Verdict]:
        """Resume a flow run."""
        state = self._state_of(flow_run_id)
        if not state.is_paused():
            return done(
                Verdict(
                    outcome="aborted",
                    state=state,
                    reason=f"the run is {state.name}, which is no pause",
                    code="NOT_PAUSED",
                )
            )
        keyset = (state.details.run_input_keyset if state.details is not None else None) or {}
        if keyset.get("response"):
            self.send_input(flow_run_id, keyset["response"], dict(run_input or {}), "", replaces=True)
        elif run_input:
            return refused(errors.InvalidArgument.of_field("run_input", "is not wanted: the run asks for no input"))
        running: State[Any] = State(type=StateType.RUNNING)
        self._enter(flow_run_id, running)
        return done(Verdict(outcome="accepted", state=running))

    def entered(self, flow_run_id: str, state: State[Any]) -> None:
        """Take in that a flow run entered a state: whoever waits for the end of its pause goes on."""
        if state.is_paused():
            if state.details is not None and state.details.pause_seconds is not None:
                timer = threading.Timer(state.details.pause_seconds, self._expire, (flow_run_id, state))
                timer.daemon = True
                timer.start()
            return
        with self._lock:
            waiting = self._paused.pop(flow_run_id, [])
        for future in waiting:
            if not future.cancelled():
                future.set_result(state)

    def _expire(self, flow_run_id: str, paused: State[Any]) -> None:
        if self._state_of(flow_run_id) is paused:
            details = StateDetails(reason="PAUSE_EXPIRED", retriable=False)
            message = "The pause timed out before the run was resumed."
            self._enter(flow_run_id, State(type=StateType.FAILED, name="TimedOut", message=message, details=details))

    def while_paused(self, flow_run_id: str) -> concurrent.futures.Future[State[Any]]:
        """Wait until a flow run is not PAUSED."""
        with self._lock:
            state = self._state_of(flow_run_id)
            if not state.is_paused():
                return done(state)
            future: concurrent.futures.Future[State[Any]] = concurrent.futures.Future()
            self._paused.setdefault(flow_run_id, []).append(future)
            return future

    def send_input(
        self, flow_run_id: str, key: str, value: Any, sender: str, *, replaces: bool = False
    ) -> concurrent.futures.Future[InputRecord]:
        """Send an input."""
        try:
            self._state_of(flow_run_id)
        except KeyError:
            return refused(errors.NotFound(f"there is no flow run {flow_run_id}"))
        with self._lock:
            inputs = self._inputs.setdefault(flow_run_id, {})
            if key in inputs and not replaces:
                return done(inputs[key])
            record = InputRecord(
                key=key, value=value, sender=sender, created_at=datetime.datetime.now(datetime.UTC), is_new=True
            )
            inputs[key] = InputRecord(key=key, value=value, sender=sender, created_at=record.created_at)
            ready = [each for each in self._receivers if each[0] == flow_run_id]
        for _, prefix, known, future in ready:
            found = self._new(flow_run_id, prefix, known)
            if found and not future.done():
                future.set_result(found)
        return done(record)

    def wait_for_inputs(
        self, flow_run_id: str, prefix: str, known: Sequence[str], seconds: float
    ) -> concurrent.futures.Future[list[InputRecord]]:
        """Wait for inputs."""
        future: concurrent.futures.Future[list[InputRecord]] = concurrent.futures.Future()
        with self._lock:
            found = self._new(flow_run_id, prefix, frozenset(known))
            if found or seconds <= 0:
                return done(found)
            receiver = (flow_run_id, prefix, frozenset(known), future)
            self._receivers.append(receiver)
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), _give_up, (future,))
        timer.daemon = True
        timer.start()

        def forget(_: object) -> None:
            timer.cancel()
            with self._lock:
                self._receivers.remove(receiver)

        future.add_done_callback(forget)
        return future

    def _new(self, flow_run_id: str, prefix: str, known: frozenset[str]) -> list[InputRecord]:
        return [
            record
            for key, record in self._inputs.get(flow_run_id, {}).items()
            if key.startswith(prefix) and key not in known
        ]

    def delete_input(self, flow_run_id: str, key: str) -> concurrent.futures.Future[bool]:
        """Delete an input."""
        with self._lock:
            return done(self._inputs.get(flow_run_id, {}).pop(key, None) is not None)

    def await_event(self, flow_run_id: str, key: str, wish: EventWish) -> concurrent.futures.Future[None]:
        """Have the next such event sent to a flow run."""
        self._events[flow_run_id, key] = wish
        return done(None)

    def forget_event(self, flow_run_id: str, key: str) -> concurrent.futures.Future[None]:
        """Stop waiting for an event."""
        self._events.pop((flow_run_id, key), None)
        return done(None)

    def happen(self, event: Mapping[str, Any]) -> int:
        """Send an event to the flow runs that wait for it; return how many do."""
        fitting = [place for place, wish in list(self._events.items()) if _is_like(wish, event)]
        for flow_run_id, key in fitting:
            self.send_input(flow_run_id, key, dict(event), AUTOMATION)
        return len(fitting)


def _give_up(future: concurrent.futures.Future[list[InputRecord]]) -> None:
    if not future.done():
        future.set_result([])


def _is_like(wish: EventWish, event: Mapping[str, Any]) -> bool:
    return (
        (not wish.names or _fits(str(event["name"]), wish.names))
        and _has_labels(event["resource"], wish.resource)
        and all(any(_has_labels(related, match) for related in event["related"]) for match in wish.related)
    )


def _has_labels(resource: Mapping[str, Any], wanted: Mapping[str, Sequence[str]]) -> bool:
    labels = {"headrace.resource.id": resource.get("id", ""), **(resource.get("labels") or {})}
    return all(label in labels and _fits(str(labels[label]), values) for label, values in wanted.items())


def _fits(text: str, patterns: Sequence[str]) -> bool:
    return any(text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern for pattern in patterns)
