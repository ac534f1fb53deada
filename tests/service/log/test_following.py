from __future__ import annotations

import asyncio
import random

import asyncpg
import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import log_pb2, log_pb2_grpc, state_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace.rpc.status import from_rpc_error
from headrace_chassis.resolving import WORKSPACE_KEY
from headrace_harness.logs import LogFollower, a_follower, a_line, a_writer
from headrace_harness.postgres import TestPostgres, fresh_database
from headrace_harness.services import RunningService, running_service
from headrace_log.usecases import following
from headrace_log.wiring import build
from service.log.played import PlayedRuns


def of(flow_run_id: str) -> log_pb2.LogFilter:
    return log_pb2.LogFilter(flow_run_ids=[flow_run_id])


async def test_history_comes_first_then_what_is_written(service: RunningService, flow_run_id: str) -> None:
    async with a_writer(service.channel) as writer:
        await writer.write([a_line(f"old {n}", flow_run_id=flow_run_id) for n in range(3)])
        await writer.write([a_line("of another run", flow_run_id=str(uuid7()))])
        async with a_follower(service.channel, of(flow_run_id)) as follower:
            assert await follower.caught_up() == ["old 0", "old 1", "old 2"]
            await writer.write([a_line("of another run", flow_run_id=str(uuid7()))])
            await writer.write([a_line("new", flow_run_id=flow_run_id)])
            assert await follower.got(4) == ["old 0", "old 1", "old 2", "new"]


@pytest.mark.parametrize(("tail", "expected"), [(2, ["3", "4"]), (-1, []), (100, ["0", "1", "2", "3", "4"])])
async def test_a_tail_begins_near_the_end(
    service: RunningService, flow_run_id: str, tail: int, expected: list[str]
) -> None:
    async with a_writer(service.channel) as writer:
        await writer.write([a_line(str(n), flow_run_id=flow_run_id) for n in range(5)])
        async with a_follower(service.channel, of(flow_run_id), tail=tail) as follower:
            assert await follower.caught_up() == expected
            await writer.write([a_line("new", flow_run_id=flow_run_id)])
            assert await follower.got(len(expected) + 1) == [*expected, "new"]


async def test_a_long_history_comes_in_chunks_and_every_token_goes_on(
    service: RunningService, flow_run_id: str
) -> None:
    count = following.CHUNK * 2 + 10
    async with a_writer(service.channel) as writer:
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            await writer.write([a_line(str(n), flow_run_id=flow_run_id) for n in numbers])
        async with a_follower(service.channel, of(flow_run_id)) as follower:
            await follower.caught_up()
        await writer.write([a_line(str(count), flow_run_id=flow_run_id)])
    everything = [str(n) for n in range(count + 1)]
    assert follower.messages == everything[:-1]
    seen = 0
    for token, size in zip(follower.tokens[:2], (following.CHUNK, following.CHUNK), strict=True):
        seen += size
        async with a_follower(service.channel, of(flow_run_id), follow_token=token) as again:
            assert await again.caught_up() == everything[seen:]


async def test_a_follower_goes_on_behind_a_page(service: RunningService, flow_run_id: str) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    async with a_writer(service.channel) as writer:
        await writer.write([a_line(str(n), flow_run_id=flow_run_id) for n in range(10)])
        for sort, size, rest in (
            (log_pb2.LOG_SORT_OCCURRED_DESC, 3, []),
            (log_pb2.LOG_SORT_OCCURRED_ASC, 3, [str(n) for n in range(3, 10)]),
            (log_pb2.LOG_SORT_OCCURRED_ASC, 200, []),
        ):
            page = await stub.ListLogs(log_pb2.ListLogsRequest(filter=of(flow_run_id), sort=sort, page_size=size))
            async with a_follower(service.channel, of(flow_run_id), follow_token=page.follow_token) as follower:
                assert await follower.caught_up() == rest


async def test_pages_and_followers_miss_and_double_nothing_while_lines_are_written(
    service: RunningService, flow_run_id: str
) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    total = 600
    chance = random.Random(5)

    async def write() -> None:
        async with a_writer(service.channel) as writer:
            for start in range(0, total, 20):
                await writer.send([a_line(str(n), flow_run_id=flow_run_id) for n in range(start, start + 20)])
                if chance.random() < 0.3:
                    await writer.acked()
            await writer.acked()

    async def look() -> list[str]:
        page = await stub.ListLogs(
            log_pb2.ListLogsRequest(filter=of(flow_run_id), sort=log_pb2.LOG_SORT_OCCURRED_ASC, page_size=1000)
        )
        shown = [record.message for record in page.logs]
        async with a_follower(service.channel, of(flow_run_id), follow_token=page.follow_token) as follower:
            return shown + await follower.got(total - len(shown))

    writing = asyncio.create_task(write())
    lookers: list[asyncio.Task[list[str]]] = []
    while not writing.done():
        # On a slow machine writing takes long, and each that looks makes it slower.
        if len(lookers) < 30:
            lookers.append(asyncio.create_task(look()))
        await asyncio.sleep(0.01)
    await writing
    assert len(lookers) > 3
    for seen in await asyncio.gather(*lookers):
        assert sorted(seen, key=int) == [str(n) for n in range(total)]


async def test_followers_of_all_replicas_see_every_line_once_and_each_writer_in_order(database_url: str) -> None:
    runs = [str(uuid7()) for _ in range(2)]
    batches, lines = 15, 20
    everything = {f"{writer}/{batch}/{n}" for writer in range(6) for batch in range(batches) for n in range(lines)}

    async def write(replica: RunningService, name: int) -> None:
        async with a_writer(replica.channel) as writer:
            for batch in range(batches):
                run = runs[batch % 2]
                await writer.send([a_line(f"{name}/{batch}/{n}", flow_run_id=run) for n in range(lines)])
            await writer.acked()

    async with (
        running_service("log", build, database_url) as one,
        running_service("log", build, database_url) as other,
    ):
        replicas = (one, other)
        wanted = log_pb2.LogFilter(flow_run_ids=runs)

        async def follow(replica: RunningService, later: float, wanted: log_pb2.LogFilter) -> LogFollower:
            await asyncio.sleep(later)
            async with a_follower(replica.channel, wanted) as follower:
                await follower.got(len(everything))
                return follower

        followers = [
            asyncio.create_task(follow(replicas[n % 2], n * 0.03, wanted if n % 3 else log_pb2.LogFilter()))
            for n in range(8)
        ]
        await asyncio.gather(*(write(replicas[name % 2], name) for name in range(6)))
        for follower in await asyncio.gather(*followers):
            assert len(follower.messages) == len(everything)
            assert set(follower.messages) == everything
            for name in range(6):
                mine = [message for message in follower.messages if message.startswith(f"{name}/")]
                assert mine == sorted(mine, key=lambda message: tuple(map(int, message.split("/"))))


async def test_a_line_that_is_committed_after_a_later_one_is_not_passed_over(
    service: RunningService, flow_run_id: str, database_url: str
) -> None:
    slow = await asyncpg.connect(
        database_url, server_settings={"role": "headrace_log", "search_path": "log", "headrace.workspace": "*"}
    )
    transaction = slow.transaction()
    await transaction.start()
    block = await slow.fetchval(
        "insert into outbox (workspace_id, kind, payload) values ($1, 'log.appended', $2) returning position",
        DEFAULT_WORKSPACE_ID,
        b'{"runs":null,"oldest":"2026-01-01T00:00:00+00:00","newest":"2026-01-01T00:00:00+00:00"}',
    )
    await slow.execute(
        """
        insert into record (position, occurred_at, workspace_id, flow_run_id, level, source, logger, message)
        values ($1::bigint << 20, '2026-01-01T00:00:00Z', $2, $3::text::uuid, 20, 1, 'slow', 'slow')
        """,
        block,
        DEFAULT_WORKSPACE_ID,
        flow_run_id,
    )
    # The follower has to find out how far history goes, which it can only once the slow one has ended.
    async with a_follower(service.channel, of(flow_run_id)) as follower, a_writer(service.channel) as writer:
        await writer.write([a_line("quick", flow_run_id=flow_run_id)])
        await transaction.commit()
        assert sorted(await follower.got(2)) == ["quick", "slow"]
    await slow.close()


async def test_the_stream_ends_when_the_runs_are_over(
    service: RunningService, flow_run_id: str, runs: PlayedRuns
) -> None:
    runs.states[flow_run_id] = state_pb2.STATE_TYPE_RUNNING
    async with (
        a_writer(service.channel) as writer,
        a_follower(service.channel, of(flow_run_id), until_final=True) as follower,
    ):
        await writer.write([a_line("first", flow_run_id=flow_run_id)])
        await follower.got(1)
        assert not follower.ended
        runs.states[flow_run_id] = state_pb2.STATE_TYPE_FAILED
        await writer.write([a_line("last", flow_run_id=flow_run_id)])
        await follower.end()
        assert follower.messages == ["first", "last"]


async def test_a_run_that_does_not_exist_is_over(service: RunningService, flow_run_id: str) -> None:
    async with a_follower(service.channel, of(flow_run_id), until_final=True) as follower:
        await follower.end()
        assert follower.messages == []


async def test_a_follower_sees_only_its_workspace(service: RunningService, flow_run_id: str) -> None:
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    elsewhere = ((WORKSPACE_KEY, str(uuid7())),)
    async with a_follower(service.channel, log_pb2.LogFilter()) as follower:
        await follower.caught_up()
        await stub.AppendLogs(
            log_pb2.AppendLogsRequest(records=[a_line("secret", flow_run_id=flow_run_id)]), metadata=elsewhere
        )
        await stub.AppendLogs(log_pb2.AppendLogsRequest(records=[a_line("mine", flow_run_id=flow_run_id)]))
        assert await follower.got(1) == ["mine"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (log_pb2.FollowLogsRequest(until_final=True), "filter.flow_run_ids"),
        (log_pb2.FollowLogsRequest(tail=20_000), "tail"),
        (log_pb2.FollowLogsRequest(follow_token="nonsense"), "follow_token"),
    ],
)
async def test_what_cannot_be_followed_is_named(
    service: RunningService, asked: log_pb2.FollowLogsRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in log_pb2_grpc.LogServiceStub(service.channel).FollowLogs(asked):
            pass
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgument)
    assert [violation.field for violation in error.violations] == [field]


async def test_followers_are_let_go_when_the_server_stops(postgres: TestPostgres, flow_run_id: str) -> None:
    async with (
        fresh_database(postgres) as url,
        running_service("log", build, url) as service,
        a_follower(service.channel, of(flow_run_id)) as follower,
    ):
        await follower.caught_up()
        async with asyncio.timeout(60):
            await service.host.stop()
            await follower.end()


async def test_children_are_followed_as_they_come(service: RunningService, flow_run_id: str, runs: PlayedRuns) -> None:
    known, later, grandchild, stranger = (str(uuid7()) for _ in range(4))
    runs.parents.update({known: flow_run_id})
    family = log_pb2.LogFilter(flow_run_ids=[flow_run_id], with_children=True)
    async with a_writer(service.channel) as writer, a_follower(service.channel, family) as follower:
        await writer.write([a_line("above", flow_run_id=flow_run_id), a_line("known", flow_run_id=known)])
        await follower.got(2)
        await writer.write([a_line("of nobody", flow_run_id=stranger)])
        # The one between has not written yet.
        runs.parents.update({later: flow_run_id, grandchild: later})
        await writer.write([a_line("below", flow_run_id=grandchild), a_line("of nobody", flow_run_id=stranger)])
        await writer.write([a_line("between", flow_run_id=later)])
        await follower.got(4)
        await writer.write([a_line("of nobody", flow_run_id=stranger), a_line("last", flow_run_id=grandchild)])
        assert sorted((await follower.got(5))[:2]) == ["above", "known"]
        assert follower.messages[2:] == ["below", "between", "last"]


async def test_a_follower_of_children_goes_on_without_a_gap_or_a_double(
    service: RunningService, flow_run_id: str, runs: PlayedRuns
) -> None:
    family = log_pb2.LogFilter(flow_run_ids=[flow_run_id], with_children=True)
    stub = log_pb2_grpc.LogServiceStub(service.channel)
    async with a_writer(service.channel) as writer:
        await writer.write([a_line("0", flow_run_id=flow_run_id)])
        page = await stub.ListLogs(log_pb2.ListLogsRequest(filter=family))
        seen, token = [record.message for record in page.logs], page.follow_token
        for number in range(1, 9):
            # Each of them is new, writes while nobody follows, and then while somebody does.
            child = str(uuid7())
            runs.parents[child] = flow_run_id
            await writer.write([a_line(f"{number}", flow_run_id=child)])
            async with a_follower(service.channel, family, follow_token=token) as follower:
                await follower.got(1)
                await writer.write([a_line(f"{number}+", flow_run_id=child)])
                seen += await follower.got(2)
                token = follower.tokens[-1]
    assert seen == ["0", *(f"{number}{more}" for number in range(1, 9) for more in ("", "+"))]


async def test_following_children_ends_when_all_of_them_are_over(
    service: RunningService, flow_run_id: str, runs: PlayedRuns
) -> None:
    child = str(uuid7())
    runs.states.update({flow_run_id: state_pb2.STATE_TYPE_COMPLETED, child: state_pb2.STATE_TYPE_RUNNING})
    family = log_pb2.LogFilter(flow_run_ids=[flow_run_id], with_children=True)
    runs.parents[child] = flow_run_id
    async with (
        a_writer(service.channel) as writer,
        a_follower(service.channel, family, until_final=True) as follower,
    ):
        await writer.write([a_line("first", flow_run_id=child)])
        await follower.got(1)
        assert not follower.ended
        runs.states[child] = state_pb2.STATE_TYPE_FAILED
        await writer.write([a_line("last", flow_run_id=child)])
        await follower.end()
        assert follower.messages == ["first", "last"]
