"""Which events are signs of life of which runs."""

from __future__ import annotations

from headrace.api.v1 import event_pb2, task_run_pb2
from headrace_prefect import life_signs
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.shapes import events

RUN = "0197f9a6-0000-7000-8000-000000000001"
OTHER = "0197f9a6-0000-7000-8000-000000000002"


def an_event(name: str, resource: str) -> event_pb2.Event:
    told = {
        "occurred": "2026-01-01T00:00:00Z",
        "event": name,
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": "calm-otter"},
    }
    return events.to_event(events.EVENT(told))


def test_heartbeats_of_flow_runs_are_signs_of_life() -> None:
    told = [
        an_event("prefect.flow-run.heartbeat", f"prefect.flow-run.{RUN}"),
        an_event("prefect.flow-run.heartbeat", f"prefect.flow-run.{RUN.upper()}"),
        an_event("prefect.flow-run.heartbeat", f"prefect.flow-run.{OTHER}"),
        an_event("prefect.flow-run.heartbeat", "prefect.flow-run.not-an-id"),
        an_event("prefect.flow-run.heartbeat", f"prefect.task-run.{RUN}"),
        an_event("prefect.flow-run.pull-step.executed", f"prefect.flow-run.{RUN}"),
    ]
    assert life_signs.runs_alive(told) == [RUN, OTHER]


async def test_attempts_are_renewed_under_the_tokens_of_their_runs_in_calls_that_are_not_too_large() -> None:
    asked: list[task_run_pb2.RenewAttemptsRequest] = []

    async def call(request: task_run_pb2.RenewAttemptsRequest) -> task_run_pb2.RenewAttemptsResponse:
        asked.append(request)
        return task_run_pb2.RenewAttemptsResponse()

    await life_signs.renew(call, [RUN, OTHER] * life_signs.MOST_TOGETHER, 540.5)
    assert [len(request.attempts) for request in asked] == [life_signs.MOST_TOGETHER] * 2
    assert [attempt.token for attempt in asked[0].attempts[:2]] == [attempt_token_of(RUN), attempt_token_of(OTHER)]
    assert asked[0].lease_duration.ToTimedelta().total_seconds() == 540.5
