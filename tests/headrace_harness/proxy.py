"""A bad network: a proxy that loses answers and cuts connections, again and again."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from headrace_harness.stack import LOOPBACK

_CHUNK = 1 << 16


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
            for writer in list(self._writers):
                self.cuts += 1
                writer.transport.abort()
            self._losing = False

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, may_lose: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if may_lose and self._losing:
                    self.lost_bytes += len(data)
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
