from __future__ import annotations

import datetime
from typing import Any

import pytest

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace_prefect import answers
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.bodies import runs
from headrace_prefect.bodies.transitions import is_transition, to_transition
from headrace_prefect.credentials import authorization_of_header, authorization_of_token
from headrace_prefect.paging import window
from headrace_prefect.shapes.flow_runs import flow_run_json
from headrace_prefect.shapes.states import state_json, verdict_json

RUN = "0198c0de-0000-7000-8000-000000000001"
TASK_RUN = "0198c0de-0000-7000-8000-000000000002"
STATE = "0198c0de-0000-7000-8000-000000000003"


def test_a_state_keeps_what_the_client_said_of_it() -> None:
    details = {
        "transition_id": STATE,
        "scheduled_time": "2026-01-02T03:04:05Z",
        "pause_key": "1",
        "run_input_keyset": {"schema": "paused-1-schema"},
        "retriable": False,
        "cache_key": "c",
    }
    body = runs.state({"type": "PAUSED", "name": "Suspended", "data": {"storage_key": "k"}, "state_details": details})
    message = runs.to_state(body)
    assert (message.state_id, message.result.storage_key) == (STATE, "k")
    message.occurred_at.FromDatetime(datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, datetime.UTC))
    shown = state_json(message, flow_run_id=RUN)
    assert (shown["id"], shown["type"], shown["name"]) == (STATE, "PAUSED", "Suspended")
    assert shown["timestamp"] == "2026-01-02T03:04:05.678901Z"
    assert shown["data"] == {"storage_key": "k"}
    kept = shown["state_details"]
    assert kept["scheduled_time"] == "2026-01-02T03:04:05.000000Z"
    assert {name: kept[name] for name in ("transition_id", "pause_key", "run_input_keyset", "retriable")} == {
        "transition_id": STATE,
        "pause_key": "1",
        "run_input_keyset": {"schema": "paused-1-schema"},
        "retriable": False,
    }
    assert (kept["flow_run_id"], kept["deferred"], kept["pause_reschedule"]) == (RUN, False, False)


@pytest.mark.parametrize(
    ("verdict", "status", "details"),
    [
        (
            state_pb2.Verdict(
                accepted=state_pb2.Verdict.Accepted(state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING))
            ),
            "ACCEPT",
            {},
        ),
        (
            state_pb2.Verdict(
                rejected=state_pb2.Verdict.Rejected(
                    state=state_pb2.State(type=state_pb2.STATE_TYPE_SCHEDULED), reason="later"
                )
            ),
            "REJECT",
            {"reason": "later"},
        ),
        (state_pb2.Verdict(wait=state_pb2.Verdict.Wait(reason="soon")), "WAIT", {"reason": "soon", "delay_seconds": 1}),
        (state_pb2.Verdict(aborted=state_pb2.Verdict.Aborted(reason="no")), "ABORT", {"reason": "no"}),
    ],
)
def test_verdicts(verdict: state_pb2.Verdict, status: str, details: dict[str, Any]) -> None:
    told = verdict_json(verdict, flow_run_id=RUN)
    assert told["status"] == status
    assert told["details"] == {"type": f"{status.lower()}_details", **details}
    assert (told["state"] is None) == (status in ("WAIT", "ABORT"))


def test_a_flow_run_has_every_key_that_the_client_reads() -> None:
    run = flow_run_pb2.FlowRun(flow_run_id=RUN, flow_id=TASK_RUN, name="one", run_count=1)
    run.state.type = state_pb2.STATE_TYPE_COMPLETED
    run.expected_start_at.seconds, run.started_at.seconds = 100, 103
    run.total_run_time.FromMilliseconds(1500)
    run.retry_policy.retries = 2
    shown = flow_run_json(run)
    assert (shown["id"], shown["state_type"], shown["total_run_time"]) == (RUN, "COMPLETED", 1.5)
    assert (shown["estimated_run_time"], shown["estimated_start_time_delta"]) == (1.5, 3.0)
    assert shown["empirical_policy"]["retries"] == 2
    assert {"work_pool_id", "work_queue_id", "created_by", "job_variables", "parent_task_run_id"} <= shown.keys()


def event(**changes: Any) -> dict[str, Any]:
    """Return the event of a task run that completed."""
    return {
        "id": STATE,
        "occurred": "2026-01-02T03:04:05.000001Z",
        "event": "prefect.task-run.Completed",
        "resource": {"prefect.resource.id": f"prefect.task-run.{TASK_RUN}"},
        "related": [{"prefect.resource.id": f"prefect.flow-run.{RUN}", "prefect.resource.role": "flow-run"}],
        "payload": {
            "validated_state": {"type": "COMPLETED", "name": "Cached", "data": {"type": "x"}},
            "task_run": {
                "task_key": "t",
                "dynamic_key": "7",
                "name": "t-7",
                "run_count": 2,
                "task_inputs": {"wait_for": [{"input_type": "task_run", "id": RUN}], "x": []},
            },
        },
        **changes,
    }


def test_an_event_is_a_transition_under_its_run() -> None:
    assert is_transition(event())
    attempt, transition = to_transition(event())
    assert attempt == task_run_pb2.RecordAttempt(flow_run_id=RUN, token=attempt_token_of(RUN))
    assert (transition.task_run_id, transition.state.state_id, transition.run_count) == (TASK_RUN, STATE, 2)
    assert transition.state.version == 1_767_323_045_000_001
    assert (transition.spec.dynamic_key, transition.state.name) == ("7", "Cached")
    assert [item.kind for item in transition.spec.inputs] == [task_run_pb2.TASK_INPUT_KIND_WAIT_FOR]


def test_a_task_run_outside_of_flows_stands_for_itself() -> None:
    attempt, _ = to_transition(event(related=[]))
    assert attempt == task_run_pb2.RecordAttempt(flow_run_id=TASK_RUN, token=TASK_RUN)


@pytest.mark.parametrize("other", [event(event="prefect.flow-run.Running"), event(payload={}), {}, [], None])
def test_other_events_are_none(other: Any) -> None:
    assert not is_transition(other)


@pytest.mark.parametrize(
    ("error", "status", "key"),
    [
        (errors.NotFound("gone"), 404, "detail"),
        (errors.AlreadyExists("taken"), 409, "detail"),
        (errors.PermissionDenied("no"), 403, "detail"),
        (errors.Unauthenticated("who"), 401, "exception_message"),
        (errors.Unavailable("away", retry_after_seconds=1.5), 503, "exception_message"),
        (errors.InvalidArgument.of_field("name", "is wrong"), 422, "exception_detail"),
        (errors.Internal("oh"), 500, "exception_message"),
    ],
)
def test_errors_have_the_status_that_the_client_knows(error: errors.HeadraceError, status: int, key: str) -> None:
    answer = answers.of_error(error)
    assert answer.status == status
    assert key.encode() in answer.body
    assert (b"retry-after", b"1.5") in answer.headers or not isinstance(error, errors.Unavailable)


def test_keys_are_found_in_what_the_client_sends() -> None:
    assert authorization_of_token("hr_key") == "Bearer hr_key"
    assert authorization_of_token("user:hr_key") == "Bearer hr_key"
    assert authorization_of_header({"headers": [(b"authorization", b"Basic dTpocl9rZXk=")]}) == "Bearer hr_key"
    assert authorization_of_header({"headers": [(b"authorization", b"bearer x")]}) is None
    with pytest.raises(errors.Unauthenticated):
        authorization_of_header({"headers": [(b"authorization", b"Basic ???")]})


async def test_a_window_of_a_list_asks_for_no_more_than_it_needs() -> None:
    asked: list[int] = []

    async def ask(size: int, token: str) -> tuple[list[int], str]:
        asked.append(size)
        start = int(token or 0)
        return list(range(start, min(start + size, 450))), str(start + size) if start + size < 450 else ""

    assert await window(ask, 0, 50) == list(range(50))
    assert asked == [50]
    assert await window(ask, 420, 100) == list(range(420, 450))
    assert await window(ask, 500, 10) == []
    assert await window(ask, 0, 0) == []
    with pytest.raises(answers.Refusal):
        await window(ask, 100_000, 1)
