from __future__ import annotations

import json
import pathlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc.aio
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from headrace import errors
from headrace.api.v1 import log_sink_pb2, log_sink_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis.resolving import LocalCallerResolver
from headrace_chassis.settings import ServerSettings
from headrace_harness.logs import a_line, a_writer
from headrace_harness.receiver import Receiver, Reply, a_receiver
from headrace_harness.services import RunningService, running_service
from headrace_harness.waiting import eventually
from headrace_log.rules.sinks import MOST_FAILURES
from headrace_log.wiring import build

WEBHOOK, OTLP, FILE = (
    log_sink_pb2.LOG_SINK_KIND_WEBHOOK,
    log_sink_pb2.LOG_SINK_KIND_OTLP,
    log_sink_pb2.LOG_SINK_KIND_FILE,
)


def settings(**more: Any) -> ServerSettings:
    """Return settings of a server that can keep secrets."""
    return ServerSettings(encryption_key=secrets.token_hex(32), **more)


@pytest.fixture
async def service(database_url: str, tmp_path: pathlib.Path) -> AsyncIterator[RunningService]:
    async with running_service(
        "log", build, database_url, settings=settings(log_sink_folder=tmp_path / "sinks")
    ) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as made:
        yield made


async def set_sink(service: RunningService, name: str, kind: Any, url: str = "", **more: Any) -> log_sink_pb2.LogSink:
    request = log_sink_pb2.SetLogSinkRequest(log_sink=log_sink_pb2.LogSink(name=name, kind=kind, url=url, **more))
    return (await log_sink_pb2_grpc.LogSinkServiceStub(service.channel).SetLogSink(request)).log_sink


async def sinks(service: RunningService) -> list[log_sink_pb2.LogSink]:
    stub = log_sink_pb2_grpc.LogSinkServiceStub(service.channel)
    return list((await stub.ListLogSinks(log_sink_pb2.ListLogSinksRequest())).log_sinks)


async def write(service: RunningService, flow_run_id: str, *messages: str, level: int = 20) -> None:
    async with a_writer(service.channel) as writer:
        await writer.write([a_line(message, flow_run_id=flow_run_id, level=level) for message in messages])


def sent(receiver: Receiver) -> list[str]:
    return [record["message"] for each in receiver.received for record in json.loads(each.body)["records"]]


async def test_a_webhook_gets_what_is_written_from_its_creation_on(
    service: RunningService, receiver: Receiver, flow_run_id: str
) -> None:
    await write(service, flow_run_id, "before")
    told = await set_sink(
        service, "elsewhere", WEBHOOK, receiver.url, headers={"Authorization": "Bearer s3cret"}, level_at_least=30
    )
    assert dict(told.headers) == {"authorization": ""}
    await write(service, flow_run_id, "too low")
    await write(service, flow_run_id, "high enough", "and another", level=40)

    async def has_come() -> bool:
        return sent(receiver) == ["high enough", "and another"] and (await sinks(service))[0].sent_records == 2

    await eventually(has_come, 60)
    request = receiver.received[0]
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.headers["headrace-batch"]
    # Headers whose value is not given stay as they are.
    await set_sink(service, "elsewhere", WEBHOOK, receiver.url, headers={"authorization": ""})
    await write(service, flow_run_id, "later")

    async def has_more() -> bool:
        return sent(receiver)[-1] == "later"

    await eventually(has_more, 60)
    assert receiver.received[-1].headers["authorization"] == "Bearer s3cret"


async def test_a_sink_that_fails_is_tried_again_with_the_same_batch(
    service: RunningService, receiver: Receiver, flow_run_id: str
) -> None:
    receiver.replies += [Reply(500, body=b"not now"), Reply(is_reset=True), Reply(429, {"retry-after": "1"})]
    await set_sink(service, "elsewhere", WEBHOOK, receiver.url)
    await write(service, flow_run_id, "one", "two")
    await write(service, flow_run_id, "three")

    async def has_come() -> bool:
        return "three" in sent(receiver) and (await sinks(service))[0].sent_records == 3

    await eventually(has_come, 60)
    batches = [each.headers["headrace-batch"] for each in receiver.received]
    assert len(set(batches[:4])) == 1
    taken = [record["message"] for each in receiver.received[3:] for record in json.loads(each.body)["records"]]
    assert taken == ["one", "two", "three"]
    [sink] = await sinks(service)
    assert (sink.failures, sink.last_error) == (0, "")


async def test_a_sink_that_only_fails_is_paused_and_loses_nothing(
    service: RunningService, receiver: Receiver, flow_run_id: str, database_url: str
) -> None:
    receiver.replies += [Reply(403, body=b"who are you?")] * 10
    await set_sink(service, "elsewhere", WEBHOOK, receiver.url)
    await write(service, flow_run_id, "one")

    async def has_failed() -> bool:
        return (await sinks(service))[0].failures > 0

    await eventually(has_failed, 60)
    # A day has gone by.
    connection = await asyncpg.connect(database_url)
    await connection.execute("update log.sink set failures = $1", MOST_FAILURES - 1)
    await connection.close()

    async def is_paused() -> bool:
        return (await sinks(service))[0].is_paused

    await eventually(is_paused, 60)
    [sink] = await sinks(service)
    assert sink.last_error.startswith(f"paused after {MOST_FAILURES} failures in a row, the last of them: ")
    assert "403" in sink.last_error
    # Somebody has looked: it goes on with what was not taken.
    receiver.replies.clear()
    await set_sink(service, "elsewhere", WEBHOOK, receiver.url)

    async def has_come() -> bool:
        return sent(receiver)[-1:] == ["one"] and (await sinks(service))[0].sent_records == 1

    await eventually(has_come, 60)
    assert (await sinks(service))[0].last_error == ""


async def test_a_sink_goes_on_where_it_was_after_a_pause_and_a_restart(
    database_url: str, receiver: Receiver, flow_run_id: str
) -> None:
    chosen = settings()

    async def has_come() -> bool:
        return sent(receiver)[-1:] == ["first"]

    async with running_service("log", build, database_url, settings=chosen) as running:
        await set_sink(running, "elsewhere", WEBHOOK, receiver.url)
        await write(running, flow_run_id, "first")
        await eventually(has_come, 60)

        async def is_kept() -> bool:
            return (await sinks(running))[0].sent_records == 1

        await eventually(is_kept, 60)
        await set_sink(running, "elsewhere", WEBHOOK, receiver.url, is_paused=True)
        await write(running, flow_run_id, "while paused")
    async with running_service("log", build, database_url, settings=chosen) as running:
        await write(running, flow_run_id, "while paused, too")
        await set_sink(running, "elsewhere", WEBHOOK, receiver.url)
        await write(running, flow_run_id, "afterwards")

        async def has_all() -> bool:
            return sent(receiver) == ["first", "while paused", "while paused, too", "afterwards"]

        await eventually(has_all, 60)


async def test_otlp_gets_requests_in_protobuf(service: RunningService, receiver: Receiver, flow_run_id: str) -> None:
    await set_sink(service, "collector", OTLP, receiver.url.removesuffix("/hook"))
    await write(service, flow_run_id, "an error", level=40)
    [request] = await receiver.got(1)
    assert (request.path, request.headers["content-type"]) == ("/v1/logs", "application/x-protobuf")
    told = logs_service_pb2.ExportLogsServiceRequest.FromString(request.body)
    [scope] = told.resource_logs[0].scope_logs
    [record] = scope.log_records
    assert (scope.scope.name, record.body.string_value, record.severity_number) == ("test", "an error", 17)
    assert {each.key: each.value.string_value for each in record.attributes}["headrace.flow_run.id"] == flow_run_id


async def test_files_get_a_line_a_record(service: RunningService, tmp_path: pathlib.Path, flow_run_id: str) -> None:
    await set_sink(service, "archive", FILE)
    await write(service, flow_run_id, "one", "two\nlines")

    def lines() -> list[str]:
        return [
            json.loads(line)["message"]
            for file in sorted((tmp_path / "sinks").glob("*/archive/*.jsonl"))
            for line in file.read_text().splitlines()
        ]

    async def are_written() -> bool:
        return lines() == ["one", "two\nlines"]

    await eventually(are_written, 60)


@pytest.mark.parametrize(
    ("sink", "field"),
    [
        ({"name": "Bad Name", "kind": WEBHOOK, "url": "http://a.example"}, "log_sink.name"),
        ({"name": "a", "kind": WEBHOOK, "url": "ftp://a.example"}, "log_sink.url"),
        ({"name": "a", "kind": WEBHOOK, "url": "http://me@a.example"}, "log_sink.url"),
        ({"name": "a", "kind": FILE, "url": "http://a.example"}, "log_sink.url"),
        ({"name": "a", "url": "http://a.example"}, "log_sink.kind"),
        ({"name": "a", "kind": WEBHOOK, "url": "http://a.example", "headers": {"Host": "b"}}, "log_sink.headers"),
        ({"name": "a", "kind": WEBHOOK, "url": "http://a.example", "headers": {"x": "a\r\nb"}}, "log_sink.headers"),
    ],
)
async def test_what_is_no_sink_is_refused(service: RunningService, sink: dict[str, Any], field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await set_sink(service, **{"kind": 0, **sink})
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    assert [violation.field for violation in error.violations] == [field]


async def test_private_addresses_are_not_called_by_a_server_that_others_reach(
    database_url: str, receiver: Receiver, flow_run_id: str
) -> None:
    async with running_service(
        "log", build, database_url, settings=settings(auth="on"), resolver=LocalCallerResolver()
    ) as running:
        await set_sink(running, "inside", WEBHOOK, receiver.url)
        await write(running, flow_run_id, "not for you")

        async def is_refused() -> bool:
            return "is not called" in (await sinks(running))[0].last_error

        await eventually(is_refused, 60)
        assert receiver.received == []
        stub = log_sink_pb2_grpc.LogSinkServiceStub(running.channel)
        await stub.DeleteLogSink(log_sink_pb2.DeleteLogSinkRequest(name="inside"))
        assert await sinks(running) == []
