"""Frames of transitions as columns: what a process reports, without an object for each row."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection
from typing import Any

Spec = tuple[
    str, str, str, str, str | None, str, str | None, str | None, str, float | None, int, str | None, float | None
]
"""Task key, dynamic key, name, tags as an array literal, labels as JSON, version, inputs as JSON, retry policy as JSON,
cache key, end of the cache entry, run count of the flow run, child flow run, expected start. Times are in seconds
since 1970."""


@dataclasses.dataclass(slots=True)
class Frame:
    """Transitions of task runs in columns of equal length; filled once, then only read."""

    workspace_id: uuid.UUID
    flow_run_ids: list[str]
    """The flow runs of the attempts."""
    tokens: list[str]
    """The tokens of the attempts."""
    told: list[bytes]
    """What others are told of each attempt's transitions."""
    attempt_of: list[int]
    task_run_ids: list[str]
    state_ids: list[str]
    types: list[str]
    names: list[str]
    messages: list[str]
    occurred: list[float]
    """Seconds since 1970."""
    versions: list[int]
    details: list[str | None]
    """As JSON."""
    results: list[str | None]
    """As JSON."""
    run_counts: list[int]
    specs: list[Spec | None]

    def __len__(self) -> int:
        return len(self.task_run_ids)


@dataclasses.dataclass(slots=True)
class TaskRunRows:
    """What transitions make of task runs: one row for each, in columns of equal length."""

    places: list[int] = dataclasses.field(default_factory=list)
    """Where the last transition of each stands."""
    first_at: list[float] = dataclasses.field(default_factory=list)
    started_at: list[float | None] = dataclasses.field(default_factory=list)
    ended_at: list[float | None] = dataclasses.field(default_factory=list)
    run_seconds: list[float] = dataclasses.field(default_factory=list)
    run_counts: list[int] = dataclasses.field(default_factory=list)
    specs: list[Spec] = dataclasses.field(default_factory=list)
    """Only in rows that have one."""


_FINAL = frozenset({"CANCELLED", "COMPLETED", "FAILED", "CRASHED"})


def collapse(frame: Frame) -> tuple[TaskRunRows, TaskRunRows, bool]:
    """Return what a frame makes of its task runs: rows with a description, rows without, and whether they are exact.

    They are not exact where transitions of a task run do not stand in the order of their versions; times are then
    to be computed from history.
    """
    in_order = True
    # Of each task run: place, version, type, time of the last; time of the first; start, end, seconds, count, spec.
    rows: dict[str, list[Any]] = {}
    columns = zip(
        frame.task_run_ids, frame.versions, frame.types, frame.occurred, frame.run_counts, frame.specs, strict=True
    )
    for place, (task_run_id, version, state_type, at, run_count, spec) in enumerate(columns):
        row = rows.get(task_run_id)
        started = at if state_type == "RUNNING" else None
        ended = at if state_type in _FINAL else None
        if row is None:
            rows[task_run_id] = [place, version, state_type, at, at, started, ended, 0.0, run_count, spec]
            continue
        if spec is not None:
            row[9] = spec
        if version <= row[1]:
            in_order = False
            continue
        if row[2] == "RUNNING" and at > row[3]:
            row[7] += at - row[3]
        row[0], row[1], row[2], row[3], row[6] = place, version, state_type, at, ended
        if row[5] is None:
            row[5] = started
        if run_count > row[8]:
            row[8] = run_count
    described, plain = TaskRunRows(), TaskRunRows()
    for row in rows.values():
        target = plain
        if row[9] is not None:
            target = described
            target.specs.append(row[9])
        target.places.append(row[0])
        target.first_at.append(row[4])
        target.started_at.append(row[5])
        target.ended_at.append(row[6])
        target.run_seconds.append(row[7])
        target.run_counts.append(row[8])
    return described, plain, in_order


def merge(frames: list[Frame], kept: list[frozenset[int]]) -> Frame:
    """Return the transitions of several frames as one, without those of attempts that are not kept.

    Args:
        frames: At least one, all with their own attempts.
        kept: For each frame which of its attempts may write.
    """
    merged = Frame(frames[0].workspace_id, [], [], [], [], [], [], [], [], [], [], [], [], [], [], [])
    for frame, allowed in zip(frames, kept, strict=True):
        part = frame if len(allowed) == len(frame.tokens) else _without(frame, allowed)
        offset = len(merged.tokens)
        merged.flow_run_ids += part.flow_run_ids
        merged.tokens += part.tokens
        merged.told += part.told
        merged.attempt_of += [place + offset for place in part.attempt_of] if offset else part.attempt_of
        merged.task_run_ids += part.task_run_ids
        merged.state_ids += part.state_ids
        merged.types += part.types
        merged.names += part.names
        merged.messages += part.messages
        merged.occurred += part.occurred
        merged.versions += part.versions
        merged.details += part.details
        merged.results += part.results
        merged.run_counts += part.run_counts
        merged.specs += part.specs
    return merged


def only(frame: Frame, task_run_ids: Collection[str]) -> Frame:
    """Return the transitions of some task runs, of a frame with one attempt."""
    places = [place for place, task_run_id in enumerate(frame.task_run_ids) if task_run_id in task_run_ids]
    return frame if len(places) == len(frame) else _at(frame, places, frame.told)


def _without(frame: Frame, allowed: frozenset[int]) -> Frame:
    places = [place for place, attempt in enumerate(frame.attempt_of) if attempt in allowed]
    return _at(frame, places, [told if attempt in allowed else b"" for attempt, told in enumerate(frame.told)])


def _at(frame: Frame, places: list[int], told: list[bytes]) -> Frame:
    return Frame(
        workspace_id=frame.workspace_id,
        flow_run_ids=frame.flow_run_ids,
        tokens=frame.tokens,
        told=told,
        attempt_of=[frame.attempt_of[place] for place in places],
        task_run_ids=[frame.task_run_ids[place] for place in places],
        state_ids=[frame.state_ids[place] for place in places],
        types=[frame.types[place] for place in places],
        names=[frame.names[place] for place in places],
        messages=[frame.messages[place] for place in places],
        occurred=[frame.occurred[place] for place in places],
        versions=[frame.versions[place] for place in places],
        details=[frame.details[place] for place in places],
        results=[frame.results[place] for place in places],
        run_counts=[frame.run_counts[place] for place in places],
        specs=[frame.specs[place] for place in places],
    )
