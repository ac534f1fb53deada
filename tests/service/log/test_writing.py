from __future__ import annotations

import asyncio
import datetime
import uuid
from typing import Any

import asyncpg
import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import log_pb2, log_pb2_grpc
from headrace.ids import uuid7
from headrace.recording.log_batches import LogLine, request_of
from headrace.rpc.status import from_rpc_error
from headrace_chassis.resolving import WORKSPACE_KEY
from headrace_chassis.settings import ServerSettings
from headrace_harness.cluster import Cluster
from headrace_harness.logs import FIRST_MOMENT, a_line, a_writer, list_all
from headrace_harness.postgres import TestPostgres, fresh_database
from headrace_harness.services import RunningService, running_service
from headrace_log.wiring import build
from headrace_migrations import run

MOST_MESSAGE_BYTES = ServerSettings().log_max_message_bytes


async def messages(service: RunningService, flow_run_id: str) -> list[str]:
    return [record.message for record in await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))]


async def make_durable(url: str) -> None:
    """Have commits survive a crash of Postgres; a test's cluster does not care otherwise."""
    connection = await asyncpg.connect(url)
    await connection.execute("alter system set synchronous_commit = on")
    await connection.execute("select pg_reload_conf()")
    await connection.close()


async def test_what_was_acknowledged_is_found_as_it_was_written(service: RunningService, flow_run_id: str) -> None:
    line = a_line(
        "ünïcode \x1b[31mred\x1b[0m\nsecond",
        flow_run_id=flow_run_id,
        task_run_id=str(uuid7()),
        worker_id="worker-1",
        level=40,
        source=log_pb2.LOG_SOURCE_STDERR,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    line.fields.update({"rows": 12, "nested": {"list": [1, None, True, "x"]}, "ratio": 0.5})
    async with a_writer(service.channel) as writer:
        await writer.write([line])
    [found] = await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
    line.occurred_at.nanos -= line.occurred_at.nanos % 1000
    assert found == line


async def test_a_repeated_batch_is_stored_once(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        await writer.write([a_line("one", flow_run_id=flow_run_id)], sequence=1)
        await writer.write([a_line("two", flow_run_id=flow_run_id)], sequence=2)
    async with a_writer(service.channel, writer.process_id) as again:
        await again.write([a_line("one", flow_run_id=flow_run_id)], sequence=1)
        await again.write([a_line("two", flow_run_id=flow_run_id)], sequence=2)
        await again.write([a_line("three", flow_run_id=flow_run_id)], sequence=3)
    assert await messages(service, flow_run_id) == ["one", "two", "three"]


async def test_records_in_columns_are_stored_once_and_in_order(service: RunningService, flow_run_id: str) -> None:
    tasks = [str(uuid7()) for _ in range(3)]
    lines = [
        LogLine(flow_run_id, tasks[place % 3], "l", 20, f"{place}", 10**18 + place * 1000, fields=fields)
        for place in range(60)
        for fields in [{"place": place} if place % 10 == 7 else None]
    ]
    async with a_writer(service.channel) as writer:
        for _ in range(2):
            for sequence in (1, 2):
                part = lines[sequence * 30 - 30 : sequence * 30]
                await writer.send_request(
                    request_of(sequence, part, max_message_bytes=MOST_MESSAGE_BYTES, in_columns=True)
                )
        await writer.acked(2)
        await writer.send_request(
            log_pb2.WriteLogsRequest(batch=log_pb2.LogBatch(sequence=3, columns=log_pb2.LogColumns(kinds=[0])))
        )
        while (answer := await writer.answer()).WhichOneof("message") == "ack":
            pass
    assert answer.refused.sequence == 3
    found = await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
    assert [record.message for record in found] == [line.message for line in lines]
    assert [record.task_run_id for record in found] == [line.task_run_id for line in lines]
    assert [dict(record.fields) for record in found if record.HasField("fields")] == [
        line.fields for line in lines if line.fields
    ]
    assert len({record.log_id for record in found}) == 60


async def test_a_batch_that_comes_late_is_stored(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        for sequence in (1, 4, 2, 3, 2, 4):
            await writer.write([a_line(str(sequence), flow_run_id=flow_run_id)], sequence=sequence)
    assert sorted(await messages(service, flow_run_id)) == ["1", "2", "3", "4"]


async def test_a_batch_that_is_too_far_behind_is_refused(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        await writer.write([a_line("late", flow_run_id=flow_run_id)], sequence=1000)
        await writer.send([a_line("old", flow_run_id=flow_run_id)], sequence=10)
        answer = await writer.answer()
    assert answer.refused.sequence == 10
    assert answer.refused.code == "SEQUENCE_TOO_OLD"
    assert await messages(service, flow_run_id) == ["late"]


async def test_the_same_batch_on_two_replicas_at_once_is_stored_once(database_url: str, flow_run_id: str) -> None:
    async with (
        running_service("log", build, database_url) as one,
        running_service("log", build, database_url) as other,
        a_writer(one.channel) as first,
        a_writer(other.channel, first.process_id) as second,
    ):
        for sequence in range(1, 21):
            lines = [a_line(f"{sequence}", flow_run_id=flow_run_id)]
            await asyncio.gather(first.write(lines, sequence=sequence), second.write(lines, sequence=sequence))
        assert await messages(one, flow_run_id) == [str(sequence) for sequence in range(1, 21)]


async def test_many_batches_under_way_are_stored_in_order(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        for batch in range(100):
            lines = [a_line(f"{batch}-{place}", flow_run_id=flow_run_id, at=FIRST_MOMENT) for place in range(10)]
            await writer.send(lines)
        await writer.acked()
    assert await messages(service, flow_run_id) == [f"{batch}-{place}" for batch in range(100) for place in range(10)]


async def test_a_bad_batch_is_refused_and_costs_no_other(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        await writer.send([a_line("before", flow_run_id=flow_run_id)])
        await writer.send([a_line("fine", flow_run_id=flow_run_id), a_line("bad", flow_run_id="not-a-uuid")])
        await writer.send([a_line("after", flow_run_id=flow_run_id)])
        answers = [await writer.answer()]
        while answers[-1].ack.sequence != 3:
            answers.append(await writer.answer())
    [refused] = [answer.refused for answer in answers if answer.HasField("refused")]
    assert refused.sequence == 2
    assert "records[1]" in refused.reason
    assert await messages(service, flow_run_id) == ["before", "after"]


async def test_a_batch_with_too_many_records_is_refused(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        await writer.send([a_line(flow_run_id=flow_run_id)] * 1001)
        answer = await writer.answer()
    assert answer.refused.code == "TOO_MANY_RECORDS"


@pytest.mark.parametrize(
    "first",
    [
        log_pb2.WriteLogsRequest(),
        log_pb2.WriteLogsRequest(batch=log_pb2.LogBatch(sequence=1)),
        log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen()),
        log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id="x" * 256)),
    ],
)
async def test_a_stream_has_to_be_opened(service: RunningService, first: log_pb2.WriteLogsRequest) -> None:
    call = log_pb2_grpc.LogServiceStub(service.channel).WriteLogs()
    await call.write(first)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)


async def test_a_second_opening_ends_the_stream_after_what_came_before(
    service: RunningService, flow_run_id: str
) -> None:
    call: Any = log_pb2_grpc.LogServiceStub(service.channel).WriteLogs()
    opening = log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id="p"))
    await call.write(opening)
    await call.read()
    batch = log_pb2.LogBatch(sequence=1, records=[a_line("kept", flow_run_id=flow_run_id)])
    await call.write(log_pb2.WriteLogsRequest(batch=batch))
    await call.write(opening)
    assert (await call.read()).ack.sequence == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)
    assert await messages(service, flow_run_id) == ["kept"]


async def test_a_long_message_is_cut_at_a_character_with_a_marker(service: RunningService, flow_run_id: str) -> None:
    text = "ä" * MOST_MESSAGE_BYTES
    async with a_writer(service.channel) as writer:
        await writer.write([a_line(text, flow_run_id=flow_run_id), a_line("next", flow_run_id=flow_run_id)])
    [cut, following] = await messages(service, flow_run_id)
    assert cut == "ä" * (MOST_MESSAGE_BYTES // 2) + f"… [{MOST_MESSAGE_BYTES} bytes cut]"
    assert following == "next"


async def test_characters_that_postgres_cannot_store_are_replaced(service: RunningService, flow_run_id: str) -> None:
    line = a_line("a\0b", flow_run_id=flow_run_id, worker_id="w\0")
    line.logger = "l\0"
    line.fields.update({"k\0": "v\0"})
    async with a_writer(service.channel) as writer:
        await writer.write([line])
    [found] = await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
    assert (found.message, found.logger, found.worker_id) == ("a\ufffdb", "l\ufffd", "w\ufffd")
    assert dict(found.fields) == {"k\ufffd": "v\ufffd"}


async def test_far_off_clocks_and_missing_times_cost_no_line(
    service: RunningService, flow_run_id: str, database_url: str
) -> None:
    past, future = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (1, 9999))
    untimed = a_line("untimed", flow_run_id=flow_run_id)
    untimed.ClearField("occurred_at")
    async with a_writer(service.channel) as writer:
        dated = [a_line(text, flow_run_id=flow_run_id, at=at) for text, at in (("past", past), ("future", future))]
        await writer.write([dated[0], untimed, dated[1]])
    found = await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
    assert [record.message for record in found] == ["past", "untimed", "future"]
    moment = found[1].occurred_at.ToDatetime(tzinfo=datetime.UTC)
    assert abs(moment - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select array_agg(message order by occurred_at) from log.record_default") == [
        "past",
        "future",
    ]
    await connection.close()


async def test_a_record_without_an_id_gets_one_that_stays(service: RunningService, flow_run_id: str) -> None:
    lines = [a_line(str(place), flow_run_id=flow_run_id, at=FIRST_MOMENT) for place in range(3)]
    for line in lines:
        line.log_id = ""
    async with a_writer(service.channel) as writer:
        await writer.write(lines)
    wanted = log_pb2.LogFilter(flow_run_ids=[flow_run_id])
    first, second = [[record.log_id for record in await list_all(service.channel, wanted)] for _ in range(2)]
    assert first == second
    assert len(set(first)) == 3
    assert all(uuid.UUID(log_id).version == 7 for log_id in first)


async def test_an_appended_batch_is_stored_once(service: RunningService, flow_run_id: str) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    request = log_pb2.AppendLogsRequest(records=[a_line(str(place), flow_run_id=flow_run_id) for place in range(3)])
    answers = await asyncio.gather(*(stub.AppendLogs(request) for _ in range(5)))
    assert sorted(answer.stored for answer in answers) == [0, 0, 0, 0, 3]
    assert await messages(service, flow_run_id) == ["0", "1", "2"]


async def test_appending_nothing_or_nonsense_is_refused(service: RunningService) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    for request in (
        log_pb2.AppendLogsRequest(records=[log_pb2.LogRecord(log_id="x")]),
        log_pb2.AppendLogsRequest(records=[log_pb2.LogRecord(message="x")] * 1001),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.AppendLogs(request)
        error = from_rpc_error(caught.value)
        assert isinstance(error, errors.InvalidArgument)
        assert error.violations


async def test_one_workspace_does_not_see_the_lines_of_another(service: RunningService, flow_run_id: str) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    elsewhere = ((WORKSPACE_KEY, str(uuid7())),)
    await stub.AppendLogs(
        log_pb2.AppendLogsRequest(records=[a_line("secret", flow_run_id=flow_run_id)]), metadata=elsewhere
    )
    assert await messages(service, flow_run_id) == []
    wanted = log_pb2.ListLogsRequest(filter=log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
    assert [record.message for record in (await stub.ListLogs(wanted, metadata=elsewhere)).logs] == ["secret"]
    assert not (await stub.ListLogs(log_pb2.ListLogsRequest())).logs


async def test_nothing_acknowledged_is_lost_when_postgres_crashes(flow_run_id: str) -> None:
    with Cluster.own() as cluster:
        await make_durable(cluster.url)
        await run.upgrade(cluster.url)
        async with running_service("log", build, cluster.url) as service:
            async with a_writer(service.channel) as writer:
                await writer.write([a_line("before", flow_run_id=flow_run_id)])
                await asyncio.to_thread(cluster.stop, "immediate")
                await writer.send([a_line("during", flow_run_id=flow_run_id)])
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await writer.answer()
                assert isinstance(from_rpc_error(caught.value), errors.Unavailable)
            await asyncio.to_thread(cluster.start)
            async with a_writer(service.channel, writer.process_id) as again:
                await again.write([a_line("before", flow_run_id=flow_run_id)], sequence=1)
                await again.write([a_line("during", flow_run_id=flow_run_id)], sequence=2)
            assert await messages(service, flow_run_id) == ["before", "during"]


async def test_a_server_that_stops_commits_what_came_and_ends_the_stream(
    postgres: TestPostgres, flow_run_id: str
) -> None:
    async with fresh_database(postgres) as url:
        async with running_service("log", build, url) as service, a_writer(service.channel) as writer:
            await writer.send([a_line("last words", flow_run_id=flow_run_id)])
            await writer.acked()
            await writer.send([a_line("not to be lost silently", flow_run_id=flow_run_id)])
            stopping = asyncio.create_task(service.host.stop())
            acknowledged = await writer.until_end()
            await stopping
        async with running_service("log", build, url) as service:
            found = await messages(service, flow_run_id)
            assert found[0] == "last words"
            assert len(found) >= acknowledged
