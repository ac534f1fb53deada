"""Frames of the recording stream, straight to columns.

This is the hottest code of the service: one pass over the transitions, lists of plain values, JSON only where a
field is set.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Sequence

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import task_run_pb2
from headrace.internal.v1 import changes_pb2
from headrace_state.rules.frames import Frame, Spec
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.wire import states, values

MOST_TRANSITIONS = 500
"""Transitions in a frame."""

MOST_NAME = 255
MOST_MESSAGE = 65_536
MOST_VERSION = 2**53 - 1

_TYPES = states.TYPE_NAMES
_USUAL = ("", *(USUAL_NAMES[StateType(name)] for name in _TYPES[1:]))
_IDS = re.compile(r"(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})*")
_FARTHEST = 253_402_300_799
"""The last second of the year 9999."""


class MalformedFrame(Exception):
    """A frame can never be taken; the message says why."""


def to_frame(message: task_run_pb2.RecordFrame, workspace_id: uuid.UUID) -> Frame:
    """Return a frame in columns.

    Raises:
        MalformedFrame: It is not one that could ever be stored.
    """
    transitions = message.transitions
    if len(transitions) > MOST_TRANSITIONS:
        raise MalformedFrame(f"a frame carries at most {MOST_TRANSITIONS} transitions, not {len(transitions)}")
    flow_run_ids = [attempt.flow_run_id for attempt in message.attempts]
    tokens = [attempt.token for attempt in message.attempts]
    attempts = len(tokens)
    attempt_of: list[int] = []
    task_run_ids: list[str] = []
    state_ids: list[str] = []
    types: list[str] = []
    names: list[str] = []
    messages: list[str] = []
    occurred: list[float] = []
    versions: list[int] = []
    details: list[str | None] = []
    results: list[str | None] = []
    run_counts: list[int] = []
    specs: list[Spec | None] = []
    try:
        for transition in transitions:
            state = transition.state
            number = state.type
            attempt = transition.attempt_index
            version = state.version
            if not 0 < number < len(_TYPES) or attempt >= attempts or not 0 < version <= MOST_VERSION:
                raise MalformedFrame(_fault(transition, attempts))
            at = state.occurred_at
            attempt_of.append(attempt)
            task_run_ids.append(transition.task_run_id)
            state_ids.append(state.state_id)
            types.append(_TYPES[number])
            names.append(state.name or _USUAL[number])
            messages.append(state.message)
            occurred.append(at.seconds + at.nanos * 1e-9)
            versions.append(version)
            details.append(_json(states.details_to_json(state.details)) if state.HasField("details") else None)
            results.append(_json(states.result_to_json(state.result)) if state.HasField("result") else None)
            run_counts.append(transition.run_count)
            specs.append(_spec(transition.spec) if transition.HasField("spec") else None)
    except errors.InvalidArgument as error:
        raise MalformedFrame(str(error)) from error
    frame = Frame(
        workspace_id=workspace_id,
        flow_run_ids=flow_run_ids,
        tokens=tokens,
        told=_told(message, flow_run_ids),
        attempt_of=attempt_of,
        task_run_ids=task_run_ids,
        state_ids=state_ids,
        types=types,
        names=names,
        messages=messages,
        occurred=occurred,
        versions=versions,
        details=details,
        results=results,
        run_counts=run_counts,
        specs=specs,
    )
    _check(frame)
    return frame


def _fault(transition: task_run_pb2.TaskRunTransition, attempts: int) -> str:
    which = f"the transition {transition.state.state_id or '(without an id)'} of task run {transition.task_run_id}"
    if transition.attempt_index >= attempts:
        return f"{which} names attempt {transition.attempt_index} of {attempts}"
    if not 0 < transition.state.type < len(_TYPES):
        return f"{which} has no known state type"
    return f"{which} has the version {transition.state.version}, which must be from 1 to {MOST_VERSION}"


def _check(frame: Frame) -> None:
    """Check whole columns at once, which costs next to nothing for each row."""
    ids = [*frame.flow_run_ids, *frame.tokens, *frame.task_run_ids, *frame.state_ids]
    ids += [spec[11] for spec in frame.specs if spec is not None and spec[11] is not None]
    joined = "".join(ids)
    if len(joined) != 36 * len(ids) or not _IDS.fullmatch(joined):
        raise MalformedFrame("attempts, task runs and states are named by UUIDs in their usual form of 36 characters")
    if not frame.types:
        return
    if max(map(len, frame.names)) > MOST_NAME or max(map(len, frame.messages)) > MOST_MESSAGE:
        raise MalformedFrame(f"a name has at most {MOST_NAME} characters and a message {MOST_MESSAGE}")
    texts = ["".join(frame.names), "".join(frame.messages)]
    for spec in frame.specs:
        if spec is not None:
            texts.append("".join((spec[0], spec[1], spec[2], spec[3], spec[5], spec[8])))
    if any("\x00" in text for text in texts) or any(_has_nul(json) for json in _jsons(frame)):
        raise MalformedFrame("texts must not contain the character NUL")
    if min(frame.occurred) <= 0 or max(frame.occurred) > _FARTHEST:
        raise MalformedFrame("every state needs the time when it occurred, after 1970 and before the year 10000")


def _has_nul(json: str) -> bool:
    # An escaped backslash before it makes the rest a text about NUL.
    return r"\u0000" in json and r"\u0000" in json.replace("\\\\", "")


def _jsons(frame: Frame) -> Sequence[str]:
    found = [json for column in (frame.details, frame.results) for json in column if json is not None]
    for spec in frame.specs:
        if spec is not None:
            found += [json for json in (spec[4], spec[6]) if json is not None]
    return found


def _told(message: task_run_pb2.RecordFrame, flow_run_ids: Sequence[str]) -> list[bytes]:
    if len(flow_run_ids) == 1:
        changed = changes_pb2.TaskRunStatesChanged(flow_run_id=flow_run_ids[0], transitions=message.transitions)
        return [changed.SerializeToString()] if message.transitions else [b""]
    by_attempt: list[list[task_run_pb2.TaskRunTransition]] = [[] for _ in flow_run_ids]
    for transition in message.transitions:
        by_attempt[transition.attempt_index].append(transition)
    return [
        changes_pb2.TaskRunStatesChanged(flow_run_id=flow_run_id, transitions=transitions).SerializeToString()
        if transitions
        else b""
        for flow_run_id, transitions in zip(flow_run_ids, by_attempt, strict=True)
    ]


def _spec(spec: task_run_pb2.TaskRunSpec) -> Spec:
    policy = spec.retry_policy if spec.HasField("retry_policy") else None
    return (
        spec.task_key,
        spec.dynamic_key,
        spec.name,
        _array(tuple(spec.tags)) if spec.tags else "{}",
        _json(values.to_object(spec.labels, "labels")) if spec.HasField("labels") else None,
        spec.task_version,
        _inputs(spec.inputs) if spec.inputs else None,
        _policy(policy.retries, tuple(policy.delay_seconds), policy.jitter_factor) if policy is not None else None,
        spec.cache_key,
        _seconds(spec.cache_expires_at) if spec.HasField("cache_expires_at") else None,
        spec.flow_run_run_count,
        spec.child_flow_run_id or None,
        _seconds(spec.expected_start_at) if spec.HasField("expected_start_at") else None,
    )


def _seconds(stamp: Timestamp) -> float:
    values.to_time(stamp, "spec")
    return stamp.seconds + stamp.nanos * 1e-9


def _inputs(inputs: Sequence[task_run_pb2.TaskInput]) -> str:
    return _json([{"parameter": item.parameter, "kind": item.kind, "source": item.source} for item in inputs])


@functools.lru_cache(maxsize=1024)
def _policy(retries: int, delay_seconds: tuple[float, ...], jitter_factor: float) -> str:
    return _json({"retries": retries, "delay_seconds": delay_seconds, "jitter_factor": jitter_factor})


@functools.lru_cache(maxsize=4096)
def _array(words: tuple[str, ...]) -> str:
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"') for word in dict.fromkeys(words))
    return "{" + ",".join(f'"{word}"' for word in escaped) + "}"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
