"""The worker's end of its stream, with schedulers that take results late and that break off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import worker_pb2, worker_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace.worker import stream
from headrace.worker.stream import WorkerStream


class Scheduler(worker_pb2_grpc.WorkerServiceServicer):
    """Passes over each result the first time that it comes."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def Connect(
        self,
        request_iterator: AsyncIterator[worker_pb2.ConnectRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[worker_pb2.ConnectResponse]:
        async for request in request_iterator:
            if request.HasField("hello"):
                welcome = worker_pb2.WorkerWelcome()
                welcome.heartbeat_interval.FromMilliseconds(20)
                yield worker_pb2.ConnectResponse(welcome=welcome)
            elif request.HasField("result"):
                run = request.result.flow_run_id
                self.told.append(run)
                if self.told.count(run) > 1:
                    yield worker_pb2.ConnectResponse(result_stored=worker_pb2.ResultStored(flow_run_id=run))


class Owner:
    """A worker that runs nothing."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()

    def hello(self) -> worker_pb2.WorkerHello:
        return worker_pb2.WorkerHello()

    def heartbeat(self) -> worker_pb2.WorkerHeartbeat:
        return worker_pb2.WorkerHeartbeat()

    def on_response(self, response: worker_pb2.ConnectResponse) -> None:
        pass

    def on_connected(self, connected: bool) -> None:
        if connected:
            self.connected.set()


async def test_a_result_is_told_until_it_is_stored_without_a_reconnection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_REPEAT_SECONDS", 0.2)
    scheduler, owner = Scheduler(), Owner()
    server = grpc.aio.server()
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(scheduler, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_aio_channel(f"127.0.0.1:{port}") as channel:
        made = WorkerStream(lambda: channel, owner)
        running = asyncio.create_task(made.run())
        try:
            async with asyncio.timeout(30):
                await owner.connected.wait()
                made.report(worker_pb2.WorkerResult(flow_run_id="a"))
                made.report(worker_pb2.WorkerResult(flow_run_id="b"))
                while made.unstored_results:  # noqa: ASYNC110 - nobody tells when the last one is stored
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    await server.stop(None)
    assert all(scheduler.told.count(run) >= 2 for run in "ab")


class Breaking(worker_pb2_grpc.WorkerServiceServicer):
    """Breaks the first stream off once it stands."""

    def __init__(self) -> None:
        self.streams = 0
        self.acknowledged: asyncio.Queue[str] = asyncio.Queue()

    async def Connect(
        self,
        request_iterator: AsyncIterator[worker_pb2.ConnectRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[worker_pb2.ConnectResponse]:
        self.streams += 1
        async for request in request_iterator:
            if request.HasField("hello"):
                welcome = worker_pb2.WorkerWelcome()
                # No sign of life comes between.
                welcome.heartbeat_interval.FromSeconds(3600)
                yield worker_pb2.ConnectResponse(welcome=welcome)
                if self.streams == 1:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "the server was killed")
            elif request.HasField("ack"):
                for flow_run_id in request.ack.flow_run_ids:
                    self.acknowledged.put_nowait(flow_run_id)


async def test_what_is_said_first_on_a_new_stream_is_not_lost_on_the_old_one() -> None:
    scheduler, owner = Breaking(), Owner()
    server = grpc.aio.server()
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(scheduler, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_aio_channel(f"127.0.0.1:{port}", retry_attempts=1) as channel:
        made = WorkerStream(lambda: channel, owner)
        running = asyncio.create_task(made.run())
        try:
            async with asyncio.timeout(60):
                while scheduler.streams < 2:
                    owner.connected.clear()
                    await asyncio.sleep(0.01)
                await owner.connected.wait()
                made.acknowledge("a")
                assert await scheduler.acknowledged.get() == "a"
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    await server.stop(None)
