"""Networks between clients and a server: one that loses answers and cuts connections, and one with a gate."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from headrace_harness.stack import LOOPBACK

_CHUNK = 1 << 16
_MOST_LOSING_SECONDS = 5.0


class BadNetwork:
    """Carries bytes between clients and a server. Use `a_bad_network`.

    Args:
        target: `host:port` of the server.
        seed: Makes its whims repeatable.
    """

    def __init__(self, target: str, seed: int) -> None:
        self._target = target
        self._random = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._losing = False
        self._has_lost = asyncio.Event()
        self.address = ""
        self.cuts = 0
        """How many connections were cut."""
        self.lost_bytes = 0
        """How much the server had answered that no client got."""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side, or the network, ends it."""
        host, _, port = self._target.rpartition(":")
        self._writers.add(writer)
        try:
            from_server, to_server = await asyncio.open_connection(host, int(port))
        except OSError:
            self._forget(writer)
            return
        self._writers.add(to_server)
        ways = [
            asyncio.create_task(self._pump(reader, to_server, may_lose=False)),
            asyncio.create_task(self._pump(from_server, writer, may_lose=True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._forget(writer)
        self._forget(to_server)

    async def be_bad(self, shortest: float, longest: float) -> None:
        """Let all be well for a random time in seconds, lose answers for a moment, cut all connections; repeat."""
        while True:
            await asyncio.sleep(self._random.uniform(shortest, longest))
            self._losing = True
            await asyncio.sleep(self._random.uniform(0.005, 0.05))
            if not self.lost_bytes:
                # Once at least it is not left to chance whether the server has just said something.
                await self._wait_for_loss()
            for writer in list(self._writers):
                self.cuts += 1
                writer.transport.abort()
            self._losing = False

    async def _wait_for_loss(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MOST_LOSING_SECONDS):
                await self._has_lost.wait()

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, may_lose: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if may_lose and self._losing:
                    self.lost_bytes += len(data)
                    self._has_lost.set()
                    continue
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def a_bad_network(
    target: str, *, seed: int = 1, shortest: float = 0.1, longest: float = 0.6
) -> AsyncIterator[BadNetwork]:
    """Lend a bad network to a server.

    Args:
        target: `host:port` of the server.
        seed: Makes its whims repeatable.
        shortest: At least so many seconds all is well between two cuts.
        longest: At most so many.
    """
    network = BadNetwork(target, seed)
    server = await asyncio.start_server(network.carry, LOOPBACK, 0)
    network.address = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    whims = asyncio.create_task(network.be_bad(shortest, longest), name="bad-network")
    try:
        yield network
        assert not whims.done(), whims
    finally:
        whims.cancel()
        server.close()
        for writer in list(network._writers):
            writer.transport.abort()
        await asyncio.gather(whims, return_exceptions=True)
        await server.wait_closed()


class Gate:
    """Carries bytes between clients and a server while it is open; shut, it keeps what comes. Use `a_gate`.

    Args:
        target: `host:port` of the server.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.address = ""

    def shut(self) -> None:
        """Let nothing through, either way."""
        self._is_open.clear()

    def open(self) -> None:
        """Let everything through."""
        self._is_open.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until a side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._is_open.wait()
                host, _, port = self._target.rpartition(":")
                from_server, to_server = await asyncio.open_connection(host, int(port))
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._pump(reader, to_server))
                        group.create_task(self._pump(from_server, writer))
                finally:
                    to_server.transport.abort()
        finally:
            writer.transport.abort()
            self._carrying.discard(task)

    async def end(self) -> None:
        """Cut all connections."""
        for task in list(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._is_open.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def a_gate(target: str) -> AsyncIterator[Gate]:
    """Lend a gate before a server, open at first.

    Args:
        target: `host:port` of the server.
    """
    gate = Gate(target)
    server = await asyncio.start_server(gate.carry, LOOPBACK, 0)
    gate.address = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    try:
        yield gate
    finally:
        server.close()
        await gate.end()
        await server.wait_closed()
