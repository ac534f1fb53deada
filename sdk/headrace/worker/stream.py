"""The worker's end of its stream with the scheduler.

A broken stream is normal: it is opened again, with backoff and jitter, for as long as the worker lives, and
greets with what the worker still runs. Results are repeated until the server has stored them.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeAlias

import grpc
import grpc.aio

from headrace import errors
from headrace.api.v1 import worker_pb2, worker_pb2_grpc
from headrace.rpc import status

logger = logging.getLogger("headrace.worker")

_BACKOFF_START_SECONDS = 0.2
_BACKOFF_LIMIT_SECONDS = 3.0
_DEFAULT_HEARTBEAT_SECONDS = 2.0
_OUTBOX_LIMIT = 1000
_REPEAT_SECONDS = 5.0
"""After this long a result that the server has not stored is told again."""
_REPEATED_AT_ONCE = 100
_FINAL_CODES = frozenset(
    {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION,
     grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED}
)  # fmt: skip


_Attempt = tuple[str, str]
"""A flow run, and the token of one of its attempts."""

_Outgoing: TypeAlias = "asyncio.Queue[worker_pb2.ConnectRequest | None]"
"""What a conversation has still to say; None ends it."""


class StreamOwner(Protocol):
    """What the stream asks of the worker and tells it."""

    def hello(self) -> worker_pb2.WorkerHello:
        """Who the worker is, and what it runs now."""

    def heartbeat(self) -> worker_pb2.WorkerHeartbeat:
        """How much more it takes, and what it runs now."""

    def on_response(self, response: worker_pb2.ConnectResponse) -> None:
        """Take a message of the server; must not block."""

    def on_connected(self, connected: bool) -> None:
        """The stream stands, or broke."""


class WorkerStream:
    """Keeps the stream standing and carries messages both ways."""

    def __init__(self, channel: Callable[[], grpc.aio.Channel], owner: StreamOwner) -> None:
        """Prepare; nothing is opened.

        Args:
            channel: Gives the channel to the server; asked again for each try, so that it may find a moved server.
            owner: The worker.
        """
        self._channel = channel
        self._owner = owner
        self._outgoing: _Outgoing = asyncio.Queue(_OUTBOX_LIMIT)
        self._results: OrderedDict[_Attempt, worker_pb2.WorkerResult] = OrderedDict()
        self._told_at: dict[_Attempt, float] = {}
        self._heartbeat_seconds = _DEFAULT_HEARTBEAT_SECONDS
        self._sequence = 0
        self._beat = asyncio.Event()
        self._backoff = _BACKOFF_START_SECONDS

    async def run(self) -> None:
        """Keep the stream standing until cancelled.

        Raises:
            errors.HeadraceError: The server refuses this worker for good; trying again cannot help.
        """
        while True:
            try:
                await self._converse()
            except grpc.aio.AioRpcError as error:
                if error.code() in _FINAL_CODES:
                    raise status.from_rpc_error(error) from error
                logger.warning("The server does not answer (%s); trying again.", error.code().name.lower())
            except errors.Unavailable as error:
                logger.warning("%s Trying again.", error)
            finally:
                self._owner.on_connected(False)
            await asyncio.sleep(self._backoff * random.uniform(0.5, 1.5))
            self._backoff = min(self._backoff * 2, _BACKOFF_LIMIT_SECONDS)

    def acknowledge(self, flow_run_id: str) -> None:
        """Tell the server that an assignment arrived."""
        self._post(worker_pb2.ConnectRequest(ack=worker_pb2.WorkerAck(flow_run_ids=[flow_run_id])))

    def report(self, result: worker_pb2.WorkerResult) -> None:
        """Tell how an assignment ended; repeated now and then, and when reconnected, until the server has stored it."""
        self._results[_attempt(result)] = result
        self._tell(result)
        self.beat()

    def _tell(self, result: worker_pb2.WorkerResult) -> None:
        self._told_at[_attempt(result)] = asyncio.get_running_loop().time()
        self._post(worker_pb2.ConnectRequest(result=result))

    def _forget(self, stored: worker_pb2.ResultStored) -> None:
        """Take note that the server has a result."""
        attempts = [(stored.flow_run_id, stored.attempt_token)]
        if not stored.attempt_token:
            # An older server names the run only.
            attempts = [attempt for attempt in self._results if attempt[0] == stored.flow_run_id]
        for attempt in attempts:
            self._results.pop(attempt, None)
            self._told_at.pop(attempt, None)

    def _repeat_results(self) -> None:
        """Tell again what a busy server may have passed over."""
        before = asyncio.get_running_loop().time() - _REPEAT_SECONDS
        unheard = (result for attempt, result in self._results.items() if self._told_at[attempt] <= before)
        for result in list(itertools.islice(unheard, _REPEATED_AT_ONCE)):
            self._tell(result)

    def announce_draining(self, reason: str) -> None:
        """Tell that the worker takes nothing new."""
        self._post(worker_pb2.ConnectRequest(draining=worker_pb2.WorkerDraining(reason=reason)))

    def beat(self) -> None:
        """Send a heartbeat now: capacity changed."""
        self._beat.set()

    @property
    def unstored_results(self) -> int:
        """How many results the server has not stored."""
        return len(self._results)

    def _post(self, request: worker_pb2.ConnectRequest) -> None:
        try:
            self._outgoing.put_nowait(request)
        except asyncio.QueueFull:
            # Only a server that reads nothing fills it. What matters is said again: results after a while,
            # acknowledgements when the server assigns again.
            logger.warning("The server takes no messages; one was dropped.")

    async def _converse(self) -> None:
        # Of its own: the call before may be gone and still wait for a message, which it would take and lose.
        outgoing: _Outgoing = asyncio.Queue(_OUTBOX_LIMIT)
        self._outgoing = outgoing
        stub = worker_pb2_grpc.WorkerServiceStub(self._channel())
        requests = self._requests(outgoing)
        call = stub.Connect(requests)
        try:
            async for response in call:
                which = response.WhichOneof("message")
                if which == "welcome":
                    self._heartbeat_seconds = (
                        response.welcome.heartbeat_interval.ToTimedelta().total_seconds() or _DEFAULT_HEARTBEAT_SECONDS
                    )
                    self._backoff = _BACKOFF_START_SECONDS
                    self._owner.on_connected(True)
                elif which == "result_stored":
                    self._forget(response.result_stored)
                self._owner.on_response(response)
        finally:
            call.cancel()
            _end(outgoing)

    async def _requests(self, outgoing: _Outgoing) -> AsyncIterator[worker_pb2.ConnectRequest]:
        yield self._numbered(worker_pb2.ConnectRequest(hello=self._owner.hello()))
        for result in list(self._results.values()):
            yield self._numbered(worker_pb2.ConnectRequest(result=result))
        beating = asyncio.create_task(self._beat_regularly(), name="worker-heartbeat")
        try:
            while (request := await outgoing.get()) is not None:
                yield self._numbered(request)
        finally:
            beating.cancel()

    async def _beat_regularly(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._beat.wait(), self._heartbeat_seconds)
            except TimeoutError:
                pass
            self._beat.clear()
            self._post(worker_pb2.ConnectRequest(heartbeat=self._owner.heartbeat()))
            self._repeat_results()

    def _numbered(self, request: worker_pb2.ConnectRequest) -> worker_pb2.ConnectRequest:
        self._sequence += 1
        request.sequence = self._sequence
        return request


def _attempt(result: worker_pb2.WorkerResult) -> _Attempt:
    return result.flow_run_id, result.attempt_token


def _end(outgoing: _Outgoing) -> None:
    """Let whoever waits for the next message of a conversation know that there is none."""
    if outgoing.full():
        outgoing.get_nowait()
    outgoing.put_nowait(None)
