from __future__ import annotations

import time

import pytest

from headrace import flow, get_run_logger, task
from headrace.api.v1 import log_pb2
from headrace.engine.connection import close_backends
from headrace.recording import logs as logs_module
from service.sdk.counterpart import Counterpart


@task
def chatter(number: int) -> None:
    get_run_logger().info("line %d", number)


@flow(log_prints=True)
def talks(count: int) -> None:
    for number in range(count):
        chatter(number)
    print("printed")  # noqa: T201


def messages(counterpart: Counterpart) -> list[str]:
    return [record.message for record in counterpart.logs.values()]


def test_all_records_arrive_in_order_and_with_their_runs(counterpart: Counterpart) -> None:
    talks(500)
    close_backends()
    said = messages(counterpart)
    assert [line for line in said if line.startswith("line")] == [f"line {number}" for number in range(500)]
    assert said[0].startswith("Flow run")
    run = counterpart.only_flow_run()
    assert {record.flow_run_id for record in counterpart.logs.values()} == {run.flow_run_id}
    lines = [record for record in counterpart.logs.values() if record.message.startswith("line")]
    assert len({record.task_run_id for record in lines}) == 500
    (printed,) = [record for record in counterpart.logs.values() if record.message == "printed"]
    assert printed.source == log_pb2.LOG_SOURCE_PRINT
    assert printed.level == 20
    assert abs(printed.occurred_at.seconds - time.time()) < 60


def test_records_survive_a_server_that_goes_away(counterpart: Counterpart) -> None:
    talks(10)
    says_away(counterpart)
    close_backends()
    assert "while it was away" in messages(counterpart)
    assert len([line for line in messages(counterpart) if line.startswith("line")]) == 10


def says_away(counterpart: Counterpart) -> None:
    @flow
    def says() -> None:
        counterpart.stop_grpc()
        get_run_logger().warning("while it was away")
        time.sleep(0.2)
        counterpart.start_grpc()

    says()


def test_what_was_made_for_a_newer_server_is_sent_to_an_older_one_that_takes_its_place(
    counterpart: Counterpart,
) -> None:
    counterpart.takes_log_columns = True
    counterpart.acknowledge.clear()

    @flow
    def says() -> None:
        for number in range(300):
            get_run_logger().info("line %d", number)
        deadline = time.monotonic() + 60
        while not counterpart.log_columns and time.monotonic() < deadline:
            time.sleep(0.01)
        # What came was not acknowledged.
        counterpart.stop_grpc()
        counterpart.takes_log_columns = False
        counterpart.acknowledge.set()
        counterpart.start_grpc()

    says()
    close_backends()
    assert counterpart.log_columns > 0
    lines = [message for message in messages(counterpart) if message.startswith("line")]
    assert lines == [f"line {number}" for number in range(300)]


def test_records_that_are_too_long_are_cut(counterpart: Counterpart) -> None:
    @flow
    def long() -> None:
        get_run_logger().info("ü" * 5000)

    long()
    close_backends()
    (cut,) = [message for message in messages(counterpart) if message.startswith("ü")]
    assert cut.endswith("... cut")
    assert len(cut.encode()) <= 1000


def test_the_server_says_how_long_records_may_be_before_any_is_made_ready(counterpart: Counterpart) -> None:
    counterpart.opens_logs.clear()

    @flow
    def long() -> None:
        get_run_logger().info("ü" * 5000)

    long()
    time.sleep(2 * logs_module.LINGER_SECONDS)
    counterpart.opens_logs.set()
    close_backends()
    (cut,) = [message for message in messages(counterpart) if message.startswith("ü")]
    assert cut.endswith("... cut")


def test_what_was_dropped_is_said_in_the_log_itself(counterpart: Counterpart, environment: pytest.MonkeyPatch) -> None:
    environment.setattr(logs_module, "QUEUE_BYTES", 30_000)
    environment.setattr(logs_module, "MEMORY_BYTES", 30_000)
    counterpart.acknowledge.clear()

    @flow
    def floods() -> None:
        # Whoever waited for the server here would wait for ever.
        for number in range(3000):
            get_run_logger().info("line %d", number)
        counterpart.acknowledge.set()

    floods()
    close_backends()
    kept = [message for message in messages(counterpart) if message.startswith("line")]
    said = [message for message in messages(counterpart) if "were dropped here" in message]
    dropped = sum(int(message.split()[0]) for message in said)
    assert dropped > 0
    # The engine's own two lines may be among those that were dropped.
    assert 3000 <= len(kept) + dropped <= 3002


def test_logs_can_be_kept_from_the_server(counterpart: Counterpart, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HEADRACE_LOGGING_TO_SERVER", "false")
    talks(3)
    close_backends()
    assert counterpart.logs == {}
    assert counterpart.counts() == {"COMPLETED": 3}


def test_a_log_service_that_is_away_does_not_hold_a_run_up(
    counterpart: Counterpart, environment: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    environment.setattr("headrace.engine.connection.EXIT_SECONDS", 0.2)

    @flow
    def says() -> None:
        get_run_logger().info("nobody hears this")

    says()
    counterpart.acknowledge.clear()
    says()
    close_backends()
    assert "did not confirm" in capfd.readouterr().err
