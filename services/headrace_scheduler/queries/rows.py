"""Rows to facts, and back."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from headrace_scheduler.rules.calendar import Blackout, Calendar
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.deployment import (
    Concurrency,
    Creator,
    Deployment,
    Placement,
    Status,
    Strategy,
    Version,
    content_of,
)
from headrace_scheduler.rules.interval import IntervalRule
from headrace_scheduler.rules.recurrence import RecurrenceRule
from headrace_scheduler.rules.schedule import CatchUp, Rule, Schedule, Terms
from headrace_scheduler.rules.work_pool import QueuePolicy, Worker, WorkerStatus, WorkPool, WorkQueue


class Row(Protocol):
    """A row as asyncpg gives it, or a dictionary."""

    def __getitem__(self, name: str, /) -> Any: ...


def rule_document(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is stored."""
    match rule:
        case CronRule():
            return {
                "kind": "cron",
                "expression": rule.expression,
                "time_zone": rule.time_zone,
                "day_or": rule.day_or,
            }
        case IntervalRule():
            return {
                "kind": "interval",
                "every_microseconds": rule.every // datetime.timedelta(microseconds=1),
                "anchor_at": rule.anchor_at.isoformat() if rule.anchor_at is not None else None,
                "time_zone": rule.time_zone,
            }
        case RecurrenceRule():
            return {"kind": "recurrence", "rule": rule.rule, "time_zone": rule.time_zone}


def rule_of(stored: Row) -> Rule:
    """Return a stored rule."""
    match stored["kind"]:
        case "cron":
            return CronRule(stored["expression"], stored["time_zone"], stored["day_or"])
        case "interval":
            every = datetime.timedelta(microseconds=stored["every_microseconds"])
            return IntervalRule(every, _moment(stored["anchor_at"]), stored["time_zone"])
        case _:
            return RecurrenceRule(stored["rule"], stored["time_zone"])


def blackouts_document(blackouts: tuple[Blackout, ...]) -> list[list[str | None]]:
    """Return blackouts as they are stored."""
    return [
        [moment.isoformat() if moment is not None else None for moment in (blackout.from_at, blackout.until_at)]
        for blackout in blackouts
    ]


def _moment(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text is not None else None


def schedule_of(row: Row) -> Schedule:
    """Return a schedule out of its row."""
    return Schedule(
        schedule_id=row["schedule_id"],
        deployment_id=row["deployment_id"],
        slug=row["slug"],
        terms=Terms(
            rule_of(row["rule"]),
            row["starts_at"],
            row["ends_at"],
            _blackouts(row["blackouts"]),
            tuple(row["calendar_names"]),
            tuple(calendar_of(calendar) for calendar in row["calendars"]),
        ),
        active=row["active"],
        parameters=row["parameters"],
        catch_up=CatchUp(row["catch_up"]),
        maximum_lateness_seconds=row["maximum_lateness_seconds"],
        jitter_seconds=row["jitter_seconds"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        cursor_at=row["cursor_at"],
        next_at=row["next_at"],
        upcoming_at=tuple(row["upcoming_at"]),
        revision=row["revision"],
    )


def _blackouts(stored: Iterable[Sequence[str | None]]) -> tuple[Blackout, ...]:
    return tuple(Blackout(_moment(begin), _moment(end)) for begin, end in stored)


def calendar_of(row: Row) -> Calendar:
    """Return a calendar out of its row, or of its row as JSON."""
    return Calendar(
        name=row["name"],
        description=row["description"],
        time_zone=row["time_zone"],
        dates=tuple(row["dates"]),
        weekdays=tuple(row["weekdays"]),
        blackouts=_blackouts(row["blackouts"]),
    )


def calendar_columns(calendar: Calendar) -> dict[str, Any]:
    """Return the columns of a calendar's row, but for the workspace and the times."""
    return {
        "name": calendar.name,
        "description": calendar.description,
        "time_zone": calendar.time_zone,
        "dates": list(calendar.dates),
        "weekdays": list(calendar.weekdays),
        "blackouts": blackouts_document(calendar.blackouts),
    }


def schedule_columns(schedule: Schedule) -> dict[str, Any]:
    """Return the columns of a schedule's row, but for the workspace."""
    return {
        "schedule_id": schedule.schedule_id,
        "deployment_id": schedule.deployment_id,
        "slug": schedule.slug,
        "rule": rule_document(schedule.terms.rule),
        "active": schedule.active,
        "parameters": dict(schedule.parameters),
        "starts_at": schedule.terms.starts_at,
        "ends_at": schedule.terms.ends_at,
        "catch_up": schedule.catch_up.value,
        "maximum_lateness_seconds": schedule.maximum_lateness_seconds,
        "jitter_seconds": schedule.jitter_seconds,
        "blackouts": blackouts_document(schedule.terms.blackouts),
        "calendar_names": list(schedule.terms.calendar_names),
        "cursor_at": schedule.cursor_at,
        "next_at": schedule.next_at,
        "upcoming_at": list(schedule.upcoming_at),
        "revision": schedule.revision,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }


def creator_of(row: Row) -> Creator:
    """Return who made a row."""
    return Creator(row["creator_kind"], row["creator_id"], row["creator_name"])


def creator_columns(creator: Creator) -> dict[str, Any]:
    """Return the columns that say who made a row."""
    return {
        "creator_kind": creator.kind,
        "creator_id": creator.creator_id,
        "creator_name": creator.display_name,
    }


def concurrency_of(row: Row) -> Concurrency:
    """Return the concurrency settings in a deployment's row."""
    return Concurrency(
        row["concurrency_limit"],
        Strategy(row["concurrency_strategy"]),
        row["grace_seconds"],
        row["shared_limit_name"],
        row["concurrency_key"],
        row["concurrency_key_limit"],
    )


def deployment_of(row: Row, schedules: tuple[Schedule, ...] = ()) -> Deployment:
    """Return a deployment out of its row joined with its version and its place."""
    placement = None
    if row["work_pool_id"] is not None:
        placement = Placement(
            row["work_pool_id"], row["work_pool_name"], row["effective_queue_id"], row["effective_queue_name"]
        )
    return Deployment(
        deployment_id=row["deployment_id"],
        workspace_id=row["workspace_id"],
        flow_id=row["flow_id"],
        flow_name=row["flow_name"],
        name=row["name"],
        version_id=row["version_id"],
        version_number=row["version_number"],
        content=content_of(row["content"]),
        paused=row["paused"],
        concurrency=concurrency_of(row),
        placement=placement,
        creator=creator_of(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=Status.READY if row["is_ready"] else Status.NOT_READY,
        schedules=schedules,
    )


def deployment_columns(deployment: Deployment) -> dict[str, Any]:
    """Return the columns of a deployment's row."""
    placement = deployment.placement
    # A deployment that names no queue follows the pool when its default queue changes.
    names_queue = bool(deployment.content.work_queue_name)
    return {
        "deployment_id": deployment.deployment_id,
        "workspace_id": deployment.workspace_id,
        "flow_id": deployment.flow_id,
        "flow_name": deployment.flow_name,
        "name": deployment.name,
        "version_id": deployment.version_id,
        "version_number": deployment.version_number,
        "paused": deployment.paused,
        "work_pool_id": placement.work_pool_id if placement is not None else None,
        "work_queue_id": placement.work_queue_id if placement is not None and names_queue else None,
        "tags": list(deployment.content.tags),
        "labels": dict(deployment.content.labels),
        "concurrency_limit": deployment.concurrency.limit,
        "concurrency_strategy": deployment.concurrency.strategy.value,
        "grace_seconds": deployment.concurrency.grace_seconds,
        "shared_limit_name": deployment.concurrency.shared_limit_name,
        "concurrency_key": deployment.concurrency.key,
        "concurrency_key_limit": deployment.concurrency.key_limit,
        **creator_columns(deployment.creator),
        "created_at": deployment.created_at,
        "updated_at": deployment.updated_at,
    }


def version_of(row: Row) -> Version:
    """Return a version out of its row."""
    return Version(
        version_id=row["version_id"],
        deployment_id=row["deployment_id"],
        number=row["number"],
        content=content_of(row["content"]),
        creator=creator_of(row),
        created_at=row["created_at"],
        is_current=row["is_current"],
        message=row["message"],
        former_number=row["former_number"],
    )


def pool_of(row: Row) -> WorkPool:
    """Return a pool out of its row."""
    return WorkPool(
        work_pool_id=row["work_pool_id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        description=row["description"],
        type=row["type"],
        base_job_template=row["base_job_template"],
        paused=row["paused"],
        concurrency_limit=row["concurrency_limit"],
        default_queue_id=row["default_queue_id"],
        queue_policy=QueuePolicy(row["queue_policy"]),
        start_timeout_seconds=row["start_timeout_seconds"],
        storage_configuration=row["storage_configuration"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=_status(row),
    )


def queue_of(row: Row) -> WorkQueue:
    """Return a queue out of its row joined with its pool's name."""
    return WorkQueue(
        work_queue_id=row["work_queue_id"],
        workspace_id=row["workspace_id"],
        work_pool_id=row["work_pool_id"],
        work_pool_name=row["work_pool_name"],
        name=row["name"],
        description=row["description"],
        priority=row["priority"],
        weight=row["weight"],
        paused=row["paused"],
        concurrency_limit=row["concurrency_limit"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=_status(row),
    )


def _status(row: Row) -> Status:
    if row["paused"]:
        return Status.PAUSED
    return Status.READY if row["is_ready"] else Status.NOT_READY


def worker_of(row: Row) -> Worker:
    """Return a worker out of its row joined with its pool's name."""
    return Worker(
        worker_id=row["worker_id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        work_pool_id=row["work_pool_id"],
        work_pool_name=row["work_pool_name"] or "",
        work_queue_names=tuple(row["work_queue_names"]),
        deployment_ids=tuple(row["deployment_ids"]),
        type=row["type"],
        status=WorkerStatus(row["status"]),
        capacity=row["capacity"],
        flow_run_ids=tuple(row["flow_run_ids"]),
        labels=row["labels"],
        client_version=row["client_version"],
        host=row["host"],
        started_at=row["started_at"],
        last_heartbeat_at=row["last_heartbeat_at"],
        drain_reason=row["drain_reason"] or "",
        pause_reason=row["pause_reason"] or "",
    )
