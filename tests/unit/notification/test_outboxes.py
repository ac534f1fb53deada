"""What the scheduler tells of backfills and broken promises, as events."""

from __future__ import annotations

import datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import backfill_pb2, deployment_pb2, service_level_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace.internal.v1 import changes_pb2, outbox_pb2
from headrace_notification.rules.events import Event
from headrace_notification.wire.outboxes import change_event

AT = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)


def event_of(kind: str, payload: Message) -> Event:
    """Return the event of an entry."""
    recorded_at = Timestamp()
    recorded_at.FromDatetime(AT)
    entry = outbox_pb2.OutboxEntry(
        position=7,
        workspace_id=str(DEFAULT_WORKSPACE_ID),
        kind=kind,
        recorded_at=recorded_at,
        payload=payload.SerializeToString(),
    )
    event = change_event(entry, "scheduler")
    assert event is not None
    return event


def test_a_backfill_tells_where_it_stands() -> None:
    backfill = backfill_pb2.Backfill(
        backfill_id=str(uuid7()),
        deployment_id=str(uuid7()),
        name="january",
        status=backfill_pb2.BACKFILL_STATUS_FAILED,
        progress=backfill_pb2.BackfillProgress(total=3, completed=1, failed=1, crashed=1),
    )
    change = changes_pb2.BackfillChanged(change=changes_pb2.CHANGE_KIND_STATUS, backfill=backfill)
    event = event_of("backfill", change)
    assert event.name == "headrace.backfill.failed"
    assert event.resource.resource_id == f"headrace.backfill.{backfill.backfill_id}"
    assert (event.resource.labels["headrace.total"], event.resource.labels["headrace.failed"]) == ("3", "2")
    assert [(one.role, one.resource_id) for one in event.related] == [
        ("deployment", f"headrace.deployment.{backfill.deployment_id}")
    ]
    change.change = changes_pb2.CHANGE_KIND_CREATED
    assert event_of("backfill", change).name == "headrace.backfill.created"


def test_a_broken_promise_names_the_run_that_broke_it() -> None:
    deployment = deployment_pb2.Deployment(deployment_id=str(uuid7()), flow_id=str(uuid7()), name="nightly")
    deployment.content.tags.append("etl")
    violated = changes_pb2.ServiceLevelViolated(
        service_level=service_level_pb2.ServiceLevel(
            service_level_id=str(uuid7()),
            name="quick",
            kind=service_level_pb2.SERVICE_LEVEL_KIND_COMPLETION,
            severity=service_level_pb2.SERVICE_LEVEL_SEVERITY_HIGH,
        ),
        deployment=deployment,
        flow_run_id=str(uuid7()),
        flow_run_name="slow-one",
        message="The run slow-one took longer than 60 s.",
    )
    violated.violated_at.FromDatetime(AT)
    event = event_of("service-level", violated)
    assert (event.name, event.occurred_at) == ("headrace.service-level.violated", AT)
    assert event.resource.labels == {"headrace.kind": "completion", "headrace.severity": "high"}
    assert {one.role for one in event.related} == {"deployment", "flow", "flow-run", "tag"}
    assert event.payload == {"message": violated.message}
    violated.flow_run_id = ""
    assert "flow-run" not in {one.role for one in event_of("service-level", violated).related}
