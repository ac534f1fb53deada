"""A burst of messages while the server and its Postgres are killed: `python -m benchmarks.channels --messages 5000`.

Two server processes, each with all services, send to a receiver that is now and then busy (429 with Retry-After),
broken, gone or silent. Every few seconds a server process or Postgres gets KILL. At the end each message must be one
delivery, delivered, and must have reached the receiver under its key. Ends with status 1 if something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import pathlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import grpc.aio
import psutil

from benchmarks.__main__ import machine as machine_facts
from headrace_harness.channels import DELIVERED, PENDING, a_channel, channel_deliveries, create_channel, send
from headrace_harness.receiver import Reply, a_receiver
from headrace_harness.servers import EmbeddedServer, embedded_server

FAULTS = (Reply(429, {"Retry-After": "1"}), Reply(503), Reply(is_reset=True), Reply(is_silent=True))
SENDERS = 16


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Send a burst of messages under a killer.")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0, help="over which the messages are queued")
    parser.add_argument("--fault-share", type=float, default=0.03, help="part of the answers that are no yes")
    parser.add_argument("--kills-every", type=float, default=5.0, help="seconds between two kills; 0 is none")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds until all must be delivered")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    result = asyncio.run(_measure(chosen))
    print(json.dumps({"machine": machine_facts(), "channels": result}, indent=2))
    sys.exit(0 if result["holds"] else 1)


async def _measure(chosen: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="headrace-channels-") as folder:
        async with (
            a_receiver() as receiver,
            embedded_server(
                pathlib.Path(folder),
                *("--processes", "2", "--database", "embedded"),
                HEADRACE_SERVER_EGRESS_ALLOW='["127.0.0.1"]',
                HEADRACE_SERVER_DELIVERY_CLAIM_SECONDS="4",
            ) as server,
        ):
            receiver.replies += [
                chance.choice(FAULTS) if chance.random() < chosen.fault_share else Reply()
                for _ in range(chosen.messages)
            ]
            channel = server.stack.channels["notification"]
            policy = {"most_per_minute": 6000, "most_tries": 50}
            ids = []
            for place in range(chosen.channels):
                wanted = a_channel("webhook", {"url": receiver.url}, name=f"channel {place}")
                wanted.policy.most_per_minute, wanted.policy.most_tries = (
                    policy["most_per_minute"],
                    policy["most_tries"],
                )
                ids.append((await create_channel(channel, wanted)).channel_id)
            began = time.monotonic()
            killing = asyncio.create_task(_kill(server, chosen, chance))
            await _send_all(channel, ids, chosen)
            queued_seconds = time.monotonic() - began
            killing.cancel()
            killed = await asyncio.gather(killing, return_exceptions=True)
            left = await _wait(channel, chosen.patience)
            seconds = time.monotonic() - began
            found = await _asked(channel)
        keys = collections.Counter(one.headers["headrace-delivery-id"] for one in receiver.received)
        delivered = {one.channel_delivery_id for one in found if one.status == DELIVERED}
        dedup_keys = collections.Counter(one.dedup_key for one in found)
        lost = [key for key in delivered if key not in keys]
        holds = (
            left == 0
            and len(delivered) == chosen.messages
            and len(dedup_keys) == chosen.messages
            and not lost
            and set(keys) == delivered
        )
        return {
            "holds": holds,
            "messages": chosen.messages,
            "delivered": len(delivered),
            "not_delivered": left,
            "lost": len(lost),
            "requests": sum(keys.values()),
            "most_requests_of_one_key": max(keys.values(), default=0),
            "killed": dict(collections.Counter(killed_of(killed))),
            "queued_seconds": round(queued_seconds, 1),
            "seconds": round(seconds, 1),
            "delivered_per_second": round(len(delivered) / seconds, 1),
        }


def killed_of(results: Sequence[Any]) -> list[str]:
    """Return what was killed, as `_kill` noted it before it was cancelled."""
    [result] = results
    return list(result) if isinstance(result, list) else [f"failed: {result!r}"]


async def _send_all(channel: grpc.aio.Channel, ids: list[str], chosen: argparse.Namespace) -> None:
    """Queue all messages, each under a key, until the server says that it has them."""
    places = iter(range(chosen.messages))
    pause = chosen.seconds * SENDERS / chosen.messages

    async def work() -> None:
        for place in places:
            await asyncio.sleep(pause)
            while True:
                try:
                    await send(channel, ids[place % len(ids)], f"number {place}", key=f"key-{place}")
                    break
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.1)

    await asyncio.gather(*(work() for _ in range(SENDERS)))


async def _kill(server: EmbeddedServer, chosen: argparse.Namespace, chance: random.Random) -> list[str]:
    killed: list[str] = []
    try:
        while chosen.kills_every:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * chosen.kills_every)
            processes = server.server_processes()
            is_postgres = chance.random() < 0.3
            if not is_postgres and not processes:
                continue
            try:
                victim = server.postgres() if is_postgres else chance.choice(processes)
                victim.send_signal(signal.SIGKILL)
            except (psutil.NoSuchProcess, OSError, ValueError):
                # It is being started again.
                continue
            killed.append("postgres" if is_postgres else "server process")
    except asyncio.CancelledError:
        return killed
    return killed


async def _wait(channel: grpc.aio.Channel, patience: float) -> int:
    """Return how many deliveries still wait when none does or the patience is at its end."""
    until = time.monotonic() + patience
    while True:
        left = len(await _asked(channel, statuses=[PENDING]))
        if not left or time.monotonic() > until:
            return left
        await asyncio.sleep(1.0)


async def _asked(channel: grpc.aio.Channel, **request: Any) -> list[Any]:
    while True:
        try:
            return list(await channel_deliveries(channel, **request))
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    main()
