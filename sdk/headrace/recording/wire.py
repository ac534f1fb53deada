"""Facts of the engine to and from the messages of the contract."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2, timestamp_pb2

from headrace.api.v1 import state_pb2, task_run_pb2
from headrace.recording.facts import CODES, PENDING, TYPES, AttemptHandle, TaskRunFacts, Transition
from headrace.recording.identifiers import new_id
from headrace.recording.text import storable
from headrace.states import ResultReference, State, StateDetails

MAX_MESSAGE_CHARACTERS = 16_000
"""Longer messages of states are cut; the limit of the contract is a multiple of it."""
MAX_TRACEBACK_CHARACTERS = 64_000
MAX_FRAME_CHARACTERS = 1_000_000
"""A frame with more text than that is closed early, far from the limit of a message."""

_NANOSECONDS = 1_000_000_000


class FrameBuilder:
    """Builds frames of transitions out of what the engine recorded.

    Args:
        max_transitions: How many a frame may have.
    """

    def __init__(self, max_transitions: int) -> None:
        self.max_transitions = max_transitions
        self._sequences = itertools.count(1)

    def build(self, transitions: Iterator[Transition]) -> tuple[int, bytes, int] | None:
        """Return a frame's sequence, its serialized request and how many transitions are in it.

        Takes from `transitions` until the frame is full or there are no more; None if none was worth telling.
        """
        request = task_run_pb2.RecordRequest()
        frame = request.frame
        attempts: dict[AttemptHandle, int] = {}
        messages = frame.transitions
        count = characters = 0
        for transition in transitions:
            run = transition[0]
            attempt = run.attempt
            # What an earlier execution ended has to be told that it is open again.
            if attempt.is_lost or (transition[1] == PENDING and run.has_started and not run.version):
                continue
            index = attempts.get(attempt)
            if index is None:
                index = attempts[attempt] = len(attempts)
                if attempt.traceparent and not frame.traceparent:
                    frame.traceparent = attempt.traceparent
                frame.attempts.add(flow_run_id=attempt.flow_run_id, token=attempt.token)
            _fill(messages.add(), index, run, transition)
            count += 1
            if transition[3] or transition[6] is not None:
                characters += len(transition[3]) + (len(transition[6].traceback) if transition[6] is not None else 0)
            if count >= self.max_transitions or characters > MAX_FRAME_CHARACTERS:
                break
        if not count:
            return None
        frame.sequence = next(self._sequences)
        return frame.sequence, request.SerializeToString(), count


def _fill(
    message: task_run_pb2.TaskRunTransition, attempt_index: int, run: TaskRunFacts, transition: Transition
) -> None:
    _, code, name, text, occurred_ns, run_count, details, reference = transition
    if attempt_index:
        message.attempt_index = attempt_index
    message.task_run_id = run.task_run_id
    message.run_count = run_count
    run.version += 1
    state = message.state
    state.state_id = new_id()
    state.type = code  # type: ignore[assignment]
    state.version = run.version
    occurred = state.occurred_at
    occurred.seconds, occurred.nanos = divmod(occurred_ns, _NANOSECONDS)
    if name:
        state.name = storable(name)
    if text:
        state.message = storable(text[:MAX_MESSAGE_CHARACTERS])
    if details is not None:
        _fill_details(state.details, details)
    if reference is not None:
        _fill_reference(state.result, reference)
    if not run.spec_is_told:
        run.spec_is_told = True
        _fill_spec(message.spec, run)


def _fill_spec(spec: task_run_pb2.TaskRunSpec, run: TaskRunFacts) -> None:
    facts = run.facts
    spec.task_key = storable(facts.task_key)
    spec.dynamic_key = storable(run.dynamic_key)
    spec.name = storable(run.name)
    spec.flow_run_run_count = run.flow_run_run_count
    if facts.version:
        spec.task_version = storable(facts.version)
    if run.tags:
        spec.tags.extend(map(storable, run.tags))
    for parameter, kind, source in run.inputs:
        spec.inputs.add(parameter=parameter, kind=kind, source=source)
    if facts.retries:
        policy = spec.retry_policy
        policy.retries = facts.retries
        policy.delay_seconds.extend(facts.retry_delays)
        policy.jitter_factor = facts.retry_jitter
    if run.cache_key:
        spec.cache_key = storable(run.cache_key)
    if run.cache_expires_ns:
        spec.cache_expires_at.FromNanoseconds(run.cache_expires_ns)
    if run.child_flow_run_id:
        spec.child_flow_run_id = run.child_flow_run_id


def _fill_details(message: state_pb2.StateDetails, details: StateDetails) -> None:
    if details.scheduled_at is not None:
        message.scheduled_at.FromDatetime(details.scheduled_at)
    if details.cache_expires_at is not None:
        message.cache_expires_at.FromDatetime(details.cache_expires_at)
    if details.refresh_cache:
        message.refresh_cache = True
    if details.retriable is not None:
        message.retriable = details.retriable
    message.child_flow_run_id = details.child_flow_run_id
    message.cache_key = storable(details.cache_key)
    message.reason = details.reason
    message.error_type = storable(details.error_type)
    if details.pause_key:
        _fill_pause(message, details)
    if details.traceback:
        message.traceback = storable(cut_middle(details.traceback, MAX_TRACEBACK_CHARACTERS))


def _fill_pause(message: state_pb2.StateDetails, details: StateDetails) -> None:
    message.pause_key = details.pause_key
    if details.pause_seconds is not None:
        message.pause_timeout.FromNanoseconds(round(details.pause_seconds * 1e9))
    if details.pause_reschedule:
        message.pause_reschedule = True
    if details.run_input_keyset:
        message.run_input_keyset.update(details.run_input_keyset)


def _fill_reference(message: state_pb2.ResultReference, reference: ResultReference) -> None:
    message.storage_key = reference.storage_key
    message.storage_url = reference.storage_url
    message.serializer = reference.serializer
    message.size_bytes = reference.size_bytes
    if reference.expires_at is not None:
        message.expires_at.FromDatetime(reference.expires_at)


def state_to_proto(state: State[Any], state_id: str = "") -> state_pb2.State:
    """Return a state as a message, to be proposed."""
    message = state_pb2.State(
        state_id=state_id or new_id(),
        type=CODES[state.type],  # type: ignore[arg-type]
        name=storable(state.name),
        message=storable(state.message[:MAX_MESSAGE_CHARACTERS]),
    )
    message.occurred_at.FromDatetime(state.occurred_at)
    if state.details is not None:
        _fill_details(message.details, state.details)
    if state.reference is not None:
        _fill_reference(message.result, state.reference)
    return message


def state_from_proto(message: state_pb2.State) -> State[Any]:
    """Return the state that a message describes, without the run's value."""
    details = message.details
    return State(
        type=TYPES[message.type],
        name=message.name,
        message=message.message,
        occurred_at=message.occurred_at.ToDatetime(datetime.UTC),
        details=StateDetails(
            scheduled_at=_moment(details, "scheduled_at"),
            child_flow_run_id=details.child_flow_run_id,
            cache_key=details.cache_key,
            cache_expires_at=_moment(details, "cache_expires_at"),
            refresh_cache=details.refresh_cache,
            retriable=details.retriable if details.HasField("retriable") else None,
            reason=details.reason,
            error_type=details.error_type,
            traceback=details.traceback,
            pause_key=details.pause_key,
            pause_expires_at=_moment(details, "pause_expires_at"),
            pause_reschedule=details.pause_reschedule,
            run_input_keyset=dict(details.run_input_keyset) if details.run_input_keyset else None,
        ),
        reference=reference_from_proto(message.result) if message.HasField("result") else None,
    )


def reference_from_proto(message: state_pb2.ResultReference) -> ResultReference | None:
    """Return where a result is; None if the message names no place."""
    if not message.storage_key:
        return None
    return ResultReference(
        storage_key=message.storage_key,
        storage_url=message.storage_url,
        serializer=message.serializer,
        size_bytes=message.size_bytes,
        expires_at=_moment(message, "expires_at"),
    )


def struct_of(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a mapping of JSON values as a message."""
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def mapping_of(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return a message as a mapping of JSON values; whole numbers are ints again."""
    values: dict[str, Any] = _narrowed(json_format.MessageToDict(struct))
    return values


def cut_middle(text: str, limit: int) -> str:
    """Return `text` with its middle left out if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    half = (limit - 60) // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def _moment(message: Any, field: str) -> datetime.datetime | None:
    if not message.HasField(field):
        return None
    stamp: timestamp_pb2.Timestamp = getattr(message, field)
    return stamp.ToDatetime(datetime.UTC)


def _narrowed(value: Any) -> Any:
    # A Struct knows one kind of number. JSON parameters written as 3 come back as 3.0.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _narrowed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_narrowed(item) for item in value]
    return value
