from __future__ import annotations

import logging
import threading
import time

import pytest

from headrace import errors, flow, task
from headrace.api.v1 import state_pb2
from headrace.outcomes import CancelledRun
from headrace.recording import recorder as recorder_module
from headrace.recording import spool as spool_module
from headrace.settings import get_settings
from headrace.task_runners import ThreadTaskRunner
from service.sdk.counterpart import Counterpart, wait_until


@task
def double(number: int) -> int:
    return number * 2


@flow
def doubles(count: int) -> int:
    return sum(double.map(range(count)).result()) if count else 0


def test_a_run_ends_only_when_all_of_it_is_acknowledged(counterpart: Counterpart) -> None:
    assert doubles(1000) == 999_000
    assert counterpart.counts() == {"COMPLETED": 1000}
    frames = [event for event in counterpart.events if event.startswith("frame")]
    assert len(frames) >= 10
    assert counterpart.events[0].startswith("create")
    assert counterpart.events[-2:] == [f"ack {len(frames)}", "propose COMPLETED"]


def test_an_empty_flow_run_costs_two_calls(counterpart: Counterpart) -> None:
    doubles(0)
    assert counterpart.events == ["create run-0", "propose COMPLETED"]


def test_what_is_told_of_a_task_run(counterpart: Counterpart) -> None:
    @task(name="second", tags=["a"], version="v3", retries=2, retry_delay_seconds=[0.0, 1.0])
    def follow(number: int) -> int:
        return number

    @flow
    def chain() -> None:
        follow(double.submit(1))  # type: ignore[call-overload]

    chain()
    first, second = sorted(counterpart.specs, key=lambda key: counterpart.specs[key].name)
    spec = counterpart.specs[second]
    assert (spec.name, spec.dynamic_key, list(spec.tags), spec.task_version) == ("second-0", "0", ["a"], "v3")
    assert spec.task_key.endswith("test_what_is_told_of_a_task_run.follow")
    assert (spec.retry_policy.retries, list(spec.retry_policy.delay_seconds)) == (2, [0.0, 1.0])
    assert [(each.parameter, each.source) for each in spec.inputs] == [("number", first)]
    states = counterpart.states_by_task_run()
    assert states == {"double-0": ["RUNNING", "COMPLETED"], "second-0": ["RUNNING", "COMPLETED"]}


def test_a_task_that_waits_long_is_shown_as_pending(counterpart: Counterpart) -> None:
    gate = threading.Event()

    @task
    def held() -> None:
        assert gate.wait(20)

    @flow(task_runner=ThreadTaskRunner(max_workers=1))
    def queue() -> None:
        held.submit()
        held.submit()
        wait_until(lambda: ["PENDING"] in counterpart.states_by_task_run().values(), "the second one waits")
        gate.set()

    queue()
    assert sorted(counterpart.states_by_task_run().values()) == [
        ["PENDING", "RUNNING", "COMPLETED"],
        ["RUNNING", "COMPLETED"],
    ]


def test_heartbeats_go_on_while_user_code_blocks(counterpart: Counterpart) -> None:
    def are_three() -> bool:
        flow_run_id = counterpart.only_flow_run().flow_run_id
        return [named for _, named in counterpart.heartbeats].count([flow_run_id]) >= 3

    @flow
    def blocks() -> None:
        # One comes every 50 ms, as the server asked for; a busy machine may delay some.
        wait_until(are_three, "signs of life while the flow blocks")

    blocks()


def test_a_server_that_goes_away_and_comes_back_misses_nothing(counterpart: Counterpart) -> None:
    @flow
    def long(count: int) -> None:
        for number in range(count):
            double(number)
            if number == 200:
                wait_until(lambda: bool(counterpart.transitions), "something arrived")
                counterpart.stop_grpc()
            if number == 600:
                threading.Timer(0.3, counterpart.start_grpc).start()

    long(1000)
    assert counterpart.counts() == {"COMPLETED": 1000}
    assert len(counterpart.transitions) == 2000
    assert counterpart.only_flow_run().state.name == "Completed"


def test_what_was_committed_and_not_acknowledged_is_sent_again_and_kept_once(counterpart: Counterpart) -> None:
    counterpart.break_after_commit = 3
    assert doubles(500) == 249_500
    assert len(counterpart.frames) > len(set(counterpart.frames))
    assert counterpart.counts() == {"COMPLETED": 500}
    assert len(counterpart.transitions) == sum(map(len, counterpart.states_by_task_run().values()))


def test_streams_that_break_again_and_again_do_not_disturb_the_flow(counterpart: Counterpart) -> None:
    stop = threading.Event()

    def disturb() -> None:
        while not stop.wait(0.05):
            counterpart.break_streams()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(3):
            doubles(300)
    finally:
        stop.set()
        thread.join()
    assert len(counterpart.specs) == 900
    assert len(counterpart.transitions) >= 1800
    assert [run.state.name for run in counterpart.flow_runs.values()] == ["Completed"] * 3


def test_memory_is_bounded_by_a_spool_on_disk(counterpart: Counterpart, environment: pytest.MonkeyPatch) -> None:
    environment.setattr(recorder_module, "MEMORY_BYTES", 20_000)
    environment.setattr(spool_module, "SEGMENT_BYTES", 50_000)
    counterpart.acknowledge.clear()
    folder = get_settings().spool_folder
    sizes = []

    @flow
    def long() -> None:
        for number in range(2000):
            double(number)
        wait_until(lambda: len(list(folder.rglob("*.spool"))) > 2, "frames are on disk")
        sizes.append(sum(file.stat().st_size for file in folder.rglob("*.spool")))
        counterpart.acknowledge.set()

    long()
    assert sizes[0] > 100_000
    assert counterpart.counts() == {"COMPLETED": 2000}
    assert list(folder.rglob("*.spool")) == []


def test_a_full_spool_holds_the_flow_up_and_loses_nothing(
    counterpart: Counterpart, environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    environment.setattr(recorder_module, "MEMORY_BYTES", 20_000)
    environment.setattr(recorder_module, "MAX_QUEUED", 500)
    environment.setenv("HEADRACE_SPOOL_BYTES", str(1024 * 1024))
    environment.setenv("HEADRACE_LOGGING_TO_CONSOLE", "false")
    environment.setattr(spool_module.Spool, "append", refuse)
    counterpart.acknowledge.clear()
    recorded: list[int] = []

    def release() -> None:
        wait_until(lambda: "the flow waits" in caplog.text, "it says so")
        count = len(recorded)
        time.sleep(0.2)
        # Held up: at most what was under way has been added.
        assert len(recorded) <= count + 5
        counterpart.acknowledge.set()

    @flow
    def long() -> None:
        for number in range(3000):
            recorded.append(double(number))

    thread = threading.Thread(target=release)
    with caplog.at_level(logging.ERROR, "headrace.recording"):
        thread.start()
        long()
        thread.join()
    assert "No space left on device" in caplog.text
    assert counterpart.counts() == {"COMPLETED": 3000}


def refuse(self: spool_module.Spool, sequence: int, payload: bytes) -> None:
    raise spool_module.SpoolFailure("cannot write to /full: No space left on device")


def test_an_attempt_that_was_replaced_stops_and_writes_nothing_more(counterpart: Counterpart) -> None:
    @flow
    def replaced() -> None:
        double(1)
        wait_until(lambda: bool(counterpart.transitions), "the first task is recorded")
        counterpart.lose(counterpart.only_flow_run().flow_run_id)
        while True:
            double(2)
            time.sleep(0.002)

    with pytest.raises(errors.LeaseLost, match=r"given to another attempt.*another took over"):
        replaced()
    assert not [event for event in counterpart.events if event.startswith("propose")]


def test_an_attempt_that_was_replaced_unnoticed_learns_it_at_the_end(counterpart: Counterpart) -> None:
    @flow
    def replaced() -> None:
        counterpart.tokens[counterpart.only_flow_run().flow_run_id] = "another"

    with pytest.raises(errors.LeaseLost):
        replaced()


def test_a_run_that_is_asked_to_stop_stops(counterpart: Counterpart) -> None:
    @flow
    def slow() -> None:
        double(1)
        wait_until(lambda: bool(counterpart.heartbeats), "the stream stands")
        counterpart.cancel(counterpart.only_flow_run().flow_run_id)
        time.sleep(30)

    with pytest.raises(CancelledRun, match="by a person"):
        slow()
    assert counterpart.events[-1] == "propose CANCELLED"


def test_a_run_that_was_asked_to_stop_while_it_ended_is_cancelled(counterpart: Counterpart) -> None:
    @flow
    def quick() -> None:
        state = counterpart.only_flow_run().state
        state.type, state.message = state_pb2.STATE_TYPE_CANCELLING, "just now"

    with pytest.raises(CancelledRun, match="just now"):
        quick()
    assert counterpart.events[-2:] == ["propose COMPLETED", "propose CANCELLED"]


def test_refused_frames_are_said(counterpart: Counterpart, caplog: pytest.LogCaptureFixture) -> None:
    counterpart.refuse_frames = True
    with caplog.at_level(logging.ERROR, "headrace.recording"):
        assert doubles(10) == 90
    assert "transitions of task runs were not recorded: it is malformed" in caplog.text


def test_a_stream_that_is_forbidden_ends_the_run_with_the_reason(
    counterpart: Counterpart, environment: pytest.MonkeyPatch
) -> None:
    counterpart.stream_error = errors.PermissionDenied("the key may not record runs")
    # Whoever had patience with it would have it for longer than a test may take.
    environment.setenv("HEADRACE_RUN_PATIENCE_SECONDS", "3600")
    with pytest.raises(errors.PermissionDenied, match="may not record runs"):
        doubles(10)


def test_a_server_that_stays_away_ends_the_run_with_a_clear_error(
    counterpart: Counterpart, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HEADRACE_RUN_PATIENCE_SECONDS", "0.5")

    @flow
    def lonely() -> None:
        counterpart.stop_grpc()
        double(1)

    with pytest.raises(errors.Unavailable, match=r"could not be recorded within 0\.5 s"):
        lonely()


def test_retries_are_the_servers_verdict_and_go_on_in_this_process(counterpart: Counterpart) -> None:
    tries = []

    @task(persist_result=True)
    def kept(number: int) -> int:
        tries.append(number)
        return number

    @flow(retries=2)
    def flaky() -> list[int]:
        found = [kept(1), kept(2), kept(3), double(len(tries))]
        tries.append(0)
        if tries.count(0) < 3:
            raise ValueError("again")
        return found

    assert flaky()[:3] == [1, 2, 3]
    assert tries == [1, 2, 3, 0, 0, 0]
    proposals = [event.removeprefix("propose ") for event in counterpart.events if event.startswith("propose")]
    assert proposals == ["FAILED", "RUNNING", "FAILED", "RUNNING", "COMPLETED"]
    states = counterpart.states_by_task_run()
    assert states["double-0"] == ["RUNNING", "COMPLETED"] * 3
    assert states["kept-0"] == ["RUNNING", "COMPLETED"]
    assert len(counterpart.specs) == 4


def test_subflows_share_the_stream_and_keep_their_attempts(counterpart: Counterpart) -> None:
    @flow
    def child(number: int) -> int:
        return double(number)

    @flow
    def parent() -> int:
        return child(1) + double(2) + child(3)

    assert parent() == 12
    assert sorted(run.flow_name for run in counterpart.flow_runs.values()) == ["child", "child", "parent"]
    stands_for = {spec.child_flow_run_id for spec in counterpart.specs.values() if spec.child_flow_run_id}
    assert stands_for == {run.flow_run_id for run in counterpart.flow_runs.values() if run.flow_name == "child"}
    owners = {counterpart.flow_runs[run].flow_name for run in counterpart.flow_run_of.values()}
    assert owners == {"child", "parent"}


async def test_asynchronous_flows_record_too(counterpart: Counterpart) -> None:
    @task
    async def fetch(number: int) -> int:
        return number

    @flow
    async def fetches() -> int:
        return sum([await future for future in fetch.map(range(200))])

    assert await fetches() == 19_900
    assert counterpart.counts() == {"COMPLETED": 200}
    assert counterpart.events[-1] == "propose COMPLETED"
