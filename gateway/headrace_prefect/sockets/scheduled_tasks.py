"""`/task_runs/subscriptions/scheduled`: background tasks for those who serve them, one at a time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import orjson

from headrace import errors
from headrace.api.v1 import background_task_pb2, task_run_pb2
from headrace.rpc.status import from_rpc_error
from headrace_prefect.shapes.task_runs import task_run_json
from headrace_prefect.sockets.socket import TRY_AGAIN, Socket, SocketRoute

VIOLATION = 4001
READY_SECONDS = 5.0
"""How often the service is told that somebody waits."""

_MOST_ASKS = 100
_Ask = background_task_pb2.ServeBackgroundTasksRequest


async def serve_scheduled_tasks(socket: Socket) -> None:
    """Give a task worker the task runs that it serves, each once the one before is acknowledged."""
    try:
        wanted = await socket.receive_json()
    except orjson.JSONDecodeError:
        wanted = None
    fault = _fault(wanted)
    if fault is not None:
        await socket.close(VIOLATION, f"Protocol violation: {fault}")
        return
    subscription = _Subscription(socket, wanted["keys"], str(wanted["client_id"]))
    try:
        await subscription.serve()
    except grpc.aio.AioRpcError as error:
        failure = from_rpc_error(error)
        if isinstance(failure, errors.Unavailable):
            await socket.close(TRY_AGAIN, failure.message)
            return
        raise failure from None


def _fault(wanted: Any) -> str | None:
    if not isinstance(wanted, dict) or wanted.get("type") != "subscribe":
        return "expected 'subscribe' message"
    keys = wanted.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        return "expected 'keys' in subscribe message"
    return None if wanted.get("client_id") else "expected 'client_id' in subscribe message"


class _Subscription:
    """The stream of one task worker.

    What was sent and not acknowledged when the worker goes is handed out again after its lease.
    """

    def __init__(self, socket: Socket, keys: list[str], client_id: str) -> None:
        self._socket = socket
        self._received = 0
        self._asks: asyncio.Queue[_Ask] = asyncio.Queue(_MOST_ASKS)
        self._answers: asyncio.Queue[str] = asyncio.Queue(1)
        self._hello = background_task_pb2.TaskServerHello(
            server_id=str(uuid.uuid4()),
            name=client_id[:255],
            task_keys=dict.fromkeys(keys),
            slots=1,
            client_version="prefect",
            without_tokens=True,
        )

    async def serve(self) -> None:
        """Serve until the other side goes."""
        call = self._socket.services.background_tasks.ServeBackgroundTasks(
            self._outgoing(), metadata=self._socket.metadata
        )
        running = [
            asyncio.create_task(part, name="prefect task worker")
            for part in (self._give_signs(), self._hear(), self._give(call))
        ]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            call.cancel()

    async def _outgoing(self) -> AsyncIterator[_Ask]:
        yield _Ask(hello=self._hello)
        while True:
            yield await self._asks.get()

    async def _give_signs(self) -> None:
        while True:
            await self._is_ready()
            await asyncio.sleep(READY_SECONDS)

    async def _is_ready(self) -> None:
        await self._asks.put(_Ask(ready=background_task_pb2.TaskServerReady(free=1, received=self._received)))

    async def _hear(self) -> None:
        while True:
            try:
                message = await self._socket.receive_json()
            except orjson.JSONDecodeError:
                message = None
            kind = message.get("type") if isinstance(message, dict) else None
            if kind == "quit":
                return
            try:
                self._answers.put_nowait(kind if isinstance(kind, str) else "")
            except asyncio.QueueFull:
                # Whoever waited here for room would not notice that the other side goes.
                await self._socket.close(VIOLATION, "Protocol violation: more answers than task runs")
                return

    async def _give(self, call: Any) -> None:
        async for response in call:
            for assignment in response.assignments.assignments:
                await self._socket.send_json(task_run_json(assignment.task_run))
                if await self._answers.get() != "ack":
                    await self._socket.close(VIOLATION, "Protocol violation: expected 'ack' message")
                    return
                self._received += 1
                attempt = task_run_pb2.RecordAttempt(
                    flow_run_id=assignment.task_run.task_run_id, token=assignment.token
                )
                await self._asks.put(_Ask(keep=background_task_pb2.TaskServerKeep(attempts=[attempt])))
                await self._is_ready()


SOCKETS = (SocketRoute("/task_runs/subscriptions/scheduled", serve_scheduled_tasks),)
