from __future__ import annotations

import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import log_pb2, log_pb2_grpc, log_settings_pb2, log_settings_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis.settings import ServerSettings
from headrace_harness.logs import a_line, a_writer, list_all
from headrace_harness.services import RunningService, running_service
from headrace_harness.waiting import eventually
from headrace_log.wiring import build


async def set_limits(service: RunningService, **limits: int) -> None:
    await log_settings_pb2_grpc.LogSettingsServiceStub(service.channel).SetLogLimits(
        log_settings_pb2.SetLogLimitsRequest(limits=log_settings_pb2.LogLimits(**limits))
    )


async def append(service: RunningService, records: list[log_pb2.LogRecord]) -> errors.HeadraceError | None:
    try:
        await log_pb2_grpc.LogServiceStub(service.channel).AppendLogs(log_pb2.AppendLogsRequest(records=records))
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error)
    return None


async def test_a_batch_that_comes_too_fast_is_told_when_to_come_back(service: RunningService, flow_run_id: str) -> None:
    await set_limits(service, lines_per_second=10)
    assert await append(service, [a_line("x", flow_run_id=flow_run_id) for _ in range(100)]) is None
    refused = await append(service, [a_line("y", flow_run_id=flow_run_id) for _ in range(50)])
    assert isinstance(refused, errors.ResourceExhausted)
    assert refused.reason == "LOG_RATE_EXCEEDED"
    assert refused.retry_after_seconds is not None
    assert 0 < refused.retry_after_seconds <= 5
    await set_limits(service)
    assert await append(service, [a_line("z", flow_run_id=flow_run_id)]) is None


async def test_a_stream_is_held_up_and_loses_nothing(service: RunningService, flow_run_id: str) -> None:
    await set_limits(service, lines_per_second=100)
    async with a_writer(service.channel) as writer:
        for start in range(0, 1100, 100):
            await writer.send([a_line(f"{start + n}", flow_run_id=flow_run_id) for n in range(100)])
        await writer.acked()
    assert len(await list_all(service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))) == 1100


async def test_what_is_beyond_the_day_is_refused_and_the_log_says_so(service: RunningService, flow_run_id: str) -> None:
    await set_limits(service, bytes_per_day=20_000)
    line = "x" * 1000
    async with a_writer(service.channel) as writer:
        await writer.write([a_line(line, flow_run_id=flow_run_id) for _ in range(10)])
        await writer.send([a_line(line, flow_run_id=flow_run_id) for _ in range(15)])
        answer = await writer.answer()
        assert (answer.refused.sequence, answer.refused.code) == (2, "LOG_DAY_FULL")
        await writer.send([a_line("short", flow_run_id=flow_run_id)])
        await writer.acked()
    refused = await append(service, [a_line(line, flow_run_id=flow_run_id) for _ in range(20)])
    assert isinstance(refused, errors.ResourceExhausted)
    assert refused.reason == "LOG_DAY_FULL"
    assert refused.retry_after_seconds is not None

    async def is_told() -> bool:
        records = await list_all(
            service.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id], loggers=["headrace.logs"])
        )
        return sum(int(record.message.split(" ")[0]) for record in records) == 35

    await eventually(is_told, 60)
    told = await log_settings_pb2_grpc.LogSettingsServiceStub(service.channel).GetLogSettings(
        log_settings_pb2.GetLogSettingsRequest()
    )
    assert told.limits.bytes_per_day == 20_000
    assert told.records_today >= 11
    assert 10_000 < told.bytes_today <= 20_000


async def test_the_day_is_shared_by_replicas_and_the_server_has_the_narrower_limits(
    database_url: str, flow_run_id: str
) -> None:
    settings = ServerSettings(log_bytes_per_day=20_000, log_max_message_bytes=1000)
    line = a_line("x" * 5000, flow_run_id=flow_run_id)
    async with running_service("log", build, database_url, settings=settings) as first:
        await set_limits(first, bytes_per_day=50_000)
        assert await append(first, [line] * 14) is None
    async with running_service("log", build, database_url, settings=settings) as second:
        refused = await append(second, [a_line("x" * 5000, flow_run_id=flow_run_id) for _ in range(14)])
        assert isinstance(refused, errors.ResourceExhausted)
        [kept, *_] = await list_all(second.channel, log_pb2.LogFilter(flow_run_ids=[flow_run_id]))
        assert kept.message == "x" * 1000 + "… [4000 bytes cut]"


@pytest.mark.parametrize("field", ["lines_per_second", "bytes_per_day"])
async def test_limits_below_zero_are_refused(service: RunningService, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await set_limits(service, **{field: -1})
    assert isinstance(from_rpc_error(caught.value), errors.InvalidArgument)
