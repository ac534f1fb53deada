"""The log service is killed while lines are written and followed: what was acknowledged is there, each line once."""

from __future__ import annotations

import asyncio
import functools
import json

import grpc.aio
import httpx

from headrace.api.v1 import log_pb2
from headrace.ids import uuid7
from headrace_harness.logs import a_line, a_writer, list_all
from headrace_harness.servers import EmbeddedServer, until

BATCHES, LINES = 60, 100
KILLED_AT = (15, 35)
"""Batches that are acknowledged when the server process is killed."""

_PAUSE_SECONDS = 0.1


class Writing:
    """A writer that sends again what was not acknowledged, as clients do."""

    def __init__(self, server: EmbeddedServer, flow_run_id: str) -> None:
        self._channel = server.stack.channels["log"]
        self._process_id = str(uuid7())
        self._batches = [
            [a_line(f"{batch * LINES + n}", flow_run_id=flow_run_id) for n in range(LINES)] for batch in range(BATCHES)
        ]
        self.acknowledged = 0
        self.tries = 0

    def has_come_to(self, batches: int) -> bool:
        """Return whether so many batches are acknowledged."""
        return self.acknowledged >= batches

    async def run(self) -> None:
        """Write all batches, through restarts of the server."""
        while self.acknowledged < BATCHES:
            self.tries += 1
            try:
                async with a_writer(self._channel, self._process_id) as writer:
                    # What may have been stored without a word is sent again.
                    for sequence in range(self.acknowledged + 1, BATCHES + 1):
                        await writer.send(self._batches[sequence - 1], sequence=sequence)
                        await asyncio.sleep(_PAUSE_SECONDS / 2)
                        if sequence % 3 == 0:
                            await writer.acked(sequence - 1)
                            self.acknowledged = writer.acknowledged
                    await writer.acked(BATCHES)
                    self.acknowledged = BATCHES
            except (grpc.aio.AioRpcError, AssertionError, asyncio.InvalidStateError):
                await asyncio.sleep(_PAUSE_SECONDS)


async def follow(server: EmbeddedServer, flow_run_id: str, seen: list[str]) -> None:
    """Follow the run by server-sent events, going on from the last token, until all lines were seen."""
    token = ""
    while len(seen) < BATCHES * LINES:
        asked = {"filter.flow_run_ids": flow_run_id, "follow_token": token}
        try:
            async with server.stack.http.stream(
                "GET", "/v1/logs:follow", params=asked, headers={"accept": "text/event-stream"}, timeout=30
            ) as answer:
                async for line in answer.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    event = json.loads(line.removeprefix("data: "))
                    if "follow_token" not in event:
                        break
                    seen += [record["message"] for record in event.get("logs", [])]
                    token = event["follow_token"]
                    if len(seen) >= BATCHES * LINES:
                        return
        except httpx.TransportError:
            pass
        await asyncio.sleep(_PAUSE_SECONDS)


async def test_lines_are_stored_and_followed_once_through_kills_of_the_service(server: EmbeddedServer) -> None:
    flow_run_id = str(uuid7())
    writing = Writing(server, flow_run_id)
    seen: list[str] = []
    async with asyncio.timeout(230), asyncio.TaskGroup() as group:
        group.create_task(follow(server, flow_run_id, seen))
        written = group.create_task(writing.run())
        for goal in KILLED_AT:
            await until(functools.partial(writing.has_come_to, goal))
            for process in server.server_processes():
                process.kill()
        await written
    assert writing.tries > len(KILLED_AT)
    expected = [str(number) for number in range(BATCHES * LINES)]
    stored = await list_all(server.stack.channels["log"], log_pb2.LogFilter(flow_run_ids=[flow_run_id]), page_size=1000)
    assert [record.message for record in stored] == expected
    assert sorted(seen, key=int) == expected
