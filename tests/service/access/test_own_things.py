"""What a flow run does with its token to logs, slots of limits and background tasks that are not its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.api.v1 import log_pb2, log_pb2_grpc, task_run_pb2, task_run_pb2_grpc
from headrace.ids import uuid7
from headrace_harness.members import Member, guarded_stack
from headrace_prefect.attempts import attempt_token_of

RUNNING = {"type": "STATE_TYPE_RUNNING"}
OWN = (403, "NOT_OWN_RUN")


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def execute(worker: Member) -> tuple[str, Member]:
    """Begin a run as a worker does; return its id, and the caller that it is."""
    made = await worker.post("/v1/flow-runs", {"flow_name": "f", "state": RUNNING})
    run, attempt = made["flow_run"]["flow_run_id"], made["attempt"]["token"]
    token = (await worker.post("/v1/run-tokens", {"flow_run_id": run, "attempt_token": attempt}))["token"]
    return run, Member(worker.principal_id, token, worker.stack)


def outcome(answer: Any) -> tuple[int, str]:
    """Return status and reason."""
    return answer.status_code, "" if answer.status_code == 200 else str(answer.json()["details"][0]["reason"])


async def begin(caller: Member, **fields: Any) -> str:
    """Return the id of a run that a run begins."""
    made = await caller.post("/v1/flow-runs", {"flow_name": "below", "state": RUNNING} | fields)
    return str(made["flow_run"]["flow_run_id"])


async def lines_of(owner: Member, run: str) -> list[str]:
    found = (await owner.get(f"/v1/logs?filter.flow_run_ids={run}"))["logs"]
    return [line["message"] for line in found]


async def test_a_run_writes_to_its_own_log_and_those_of_runs_below_it(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    (run, mine), (other, _) = await execute(worker), await execute(worker)
    below = await begin(mine, parent_flow_run_id=run)
    further = await begin(mine, parent_flow_run_id=below)
    apart = await begin(mine)

    def lines(*runs: str) -> dict[str, Any]:
        return {"records": [{"flow_run_id": each, "level": 20, "message": "a word"} for each in runs]}

    assert outcome(await mine.send("POST", "/v1/logs", lines(run, below, further, apart))) == (200, "")
    for wrong in (lines(other), lines(run, other), lines(str(uuid.uuid4()))):
        assert outcome(await mine.send("POST", "/v1/logs", wrong)) == OWN, wrong
    # What names no run is the run's that wrote it: whatever it says of tasks and workers.
    nameless = {"records": [{"level": 20, "message": "nameless", "task_run_id": str(uuid7()), "worker_id": "w"}]}
    assert outcome(await mine.send("POST", "/v1/logs", nameless)) == (200, "")
    assert await lines_of(owner, run) == ["a word", "nameless"]
    assert await lines_of(owner, other) == []
    # On the stream a batch that is not taken costs no other.
    stub = owner.stack.stub(log_pb2_grpc.LogServiceStub)
    requests = [
        log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id="p")),
        *(
            log_pb2.WriteLogsRequest(
                batch=log_pb2.LogBatch(
                    sequence=sequence, records=[log_pb2.LogRecord(flow_run_id=each, level=20, message="streamed")]
                )
            )
            for sequence, each in enumerate((below, other, apart), 1)
        ),
    ]
    answers = [answer async for answer in stub.WriteLogs(iter(requests), metadata=mine.metadata)]
    assert [(answer.refused.sequence, answer.refused.code) for answer in answers if answer.HasField("refused")] == [
        (2, "NOT_OWN_RUN")
    ]
    assert [await lines_of(owner, each) for each in (below, other, apart)] == [
        ["a word", "streamed"],
        [],
        ["a word", "streamed"],
    ]
    # Workers write for all.
    assert outcome(await worker.send("POST", "/v1/logs", lines(run, other))) == (200, "")


async def test_a_run_gives_back_its_own_slots(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    (_, mine), (_, other) = await execute(worker), await execute(worker)
    await owner.send("PUT", "/v1/concurrency-limits/mill", {"limit": 1})
    lease, waiting = str(uuid7()), str(uuid7())
    take = {"lease_id": lease, "names": ["mill"], "holder_kind": "flow-run"}
    held = await other.post("/v1/concurrency-limits:acquire", take)
    assert held["verdict" if "verdict" in held else "held"]
    assert outcome(await mine.send("POST", f"/v1/concurrency-leases/{lease}:release", {})) == OWN
    assert outcome(await mine.send("POST", f"/v1/concurrency-leases/{lease}:renew", {}))[0] == 400
    assert outcome(await mine.send("POST", "/v1/concurrency-limits:acquire", take))[0] == 409
    # Nor does it leave the line for another one, and what was waited for is the waiter's.
    in_line = {"lease_id": waiting, "names": ["mill"], "wait_up_to": "0.001s"}
    assert "wait" in await mine.post("/v1/concurrency-limits:acquire", in_line)
    assert outcome(await other.send("POST", f"/v1/concurrency-leases/{waiting}:release", {})) == (200, "")
    assert len((await owner.get("/v1/concurrency-limits/mill"))["limit"]["waiters"]) == 1
    assert outcome(await other.send("POST", f"/v1/concurrency-leases/{lease}:renew", {})) == (200, "")
    assert outcome(await other.send("POST", f"/v1/concurrency-leases/{lease}:release", {})) == (200, "")
    assert "held" in await mine.post("/v1/concurrency-limits:acquire", in_line)
    assert outcome(await other.send("POST", f"/v1/concurrency-leases/{waiting}:release", {})) == OWN
    assert outcome(await mine.send("POST", f"/v1/concurrency-leases/{waiting}:release", {})) == (200, "")
    assert (await owner.get("/v1/concurrency-limits/mill"))["limit"].get("active_slots", 0) == 0


async def test_a_run_cancels_the_background_tasks_that_it_queued(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    (run, mine), (_, other) = await execute(worker), await execute(worker)
    below = await begin(mine, parent_flow_run_id=run)
    attempt = (await owner.get(f"/v1/flow-runs/{below}"))["flow_run"]
    assert attempt["parent_flow_run_id"] == run

    async def queue(caller: Member) -> str:
        task = str(uuid7())
        spec = {"task_key": "grind", "name": "grind", "dynamic_key": task}
        await caller.post("/v1/background-tasks", {"tasks": [{"task_run_id": task, "spec": spec}]})
        return task

    tasks = {"other": await queue(other), "mine": await queue(mine), "people": await queue(owner)}
    ended = {
        name: outcome(await mine.send("POST", f"/v1/background-tasks/{task}:cancel", {}))
        for name, task in tasks.items()
    }
    assert ended == {"other": OWN, "mine": (200, ""), "people": OWN}
    assert outcome(await worker.send("POST", f"/v1/background-tasks/{tasks['other']}:cancel", {})) == (200, "")


async def test_a_run_does_not_speak_for_those_whose_tokens_can_be_guessed(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    _, mine = await execute(worker)
    guessed_run = str(uuid7())
    token = attempt_token_of(guessed_run)
    await worker.post(
        "/v1/flow-runs", {"flow_name": "f", "flow_run_id": guessed_run, "state": RUNNING, "own_token": token}
    )
    done = {"state": {"type": "STATE_TYPE_COMPLETED"}}
    for told in (
        {"attempt_token": token},
        {"own_token": token},
        {"attempt_token": str(uuid.uuid4()), "own_token": token},
    ):
        assert outcome(await mine.send("POST", f"/v1/flow-runs/{guessed_run}:propose", done | told)) == OWN, told
    attempts = {"attempts": [{"flow_run_id": guessed_run, "token": token}]}
    assert outcome(await mine.send("POST", "/v1/flow-runs:renewAttempts", attempts)) == OWN
    stub = owner.stack.stub(task_run_pb2_grpc.RecordServiceStub)
    frame = task_run_pb2.RecordFrame(
        sequence=1, attempts=[task_run_pb2.RecordAttempt(flow_run_id=guessed_run, token=token)]
    )
    with pytest.raises(Exception, match="a flow run changes itself"):
        await stub.RecordTransitions(task_run_pb2.RecordTransitionsRequest(frame=frame), metadata=mine.metadata)
    opening = task_run_pb2.RecordRequest(open=task_run_pb2.RecordOpen())
    stream = stub.Record(iter([opening, task_run_pb2.RecordRequest(frame=frame)]), metadata=mine.metadata)
    with pytest.raises(Exception, match="a flow run changes itself"):
        async for _ in stream:
            pass
    still = (await owner.get(f"/v1/flow-runs/{guessed_run}"))["flow_run"]
    assert still["state"]["type"] == "STATE_TYPE_RUNNING"
