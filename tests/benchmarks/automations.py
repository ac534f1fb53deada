"""Events against automations: from event to webhook, and CPU per event, with few automations and with many.

    PYTHONPATH=tests python -m benchmarks.automations --automations 10 10000 --rate 1000 --seconds 10

The service is a process of its own with a real Postgres; the receiver is a real HTTP server. One event in a
hundred concerns a deployment that an automation watches.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import multiprocessing
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import psutil

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, event_pb2, event_pb2_grpc
from headrace.ids import uuid7
from headrace.rpc.channel import open_aio_channel
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import ServerSettings
from headrace_harness.automations import a_match, a_webhook, an_automation
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database
from headrace_harness.receiver import Receiver, a_receiver
from headrace_migrations import run
from headrace_notification import wiring

BATCH = 50
MATCHING_SHARE = 0.01


def _serve(database_url: str, port: Any, stop: Any) -> None:
    async def main() -> None:
        # Nobody to follow: the events are emitted.
        wiring.SOURCES.clear()
        settings = ServerSettings(port=0)
        async with ServiceHost(settings, {"notification": wiring.build}, database_url) as host:
            port.put(host.grpc_port)
            await asyncio.to_thread(stop.wait)

    asyncio.run(main())


@contextlib.contextmanager
def server(database_url: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run the notification service in a process of its own."""
    methods = multiprocessing.get_context("spawn")
    port, stop = methods.Queue(), methods.Event()
    process = methods.Process(target=_serve, args=(database_url, port, stop))
    process.start()
    try:
        yield f"127.0.0.1:{port.get(timeout=30)}", psutil.Process(process.pid)
    finally:
        stop.set()
        process.join(30)


async def measure(target: str, serving: psutil.Process, automations: int, rate: int, seconds: int) -> dict[str, Any]:
    """Return how long after an event its webhook came, and what an event costs."""
    watched = [f"headrace.deployment.{uuid7()}" for _ in range(automations)]
    async with open_aio_channel(target) as channel, a_receiver() as receiver:
        creating = automation_pb2_grpc.AutomationServiceStub(channel)
        gate = asyncio.Semaphore(8)

        async def create(deployment: str) -> None:
            automation = an_automation(
                a_webhook(receiver.url, body_template="{{ event.payload.at }}"),
                expect=["app.run.*"],
                match_related=[a_match(resource_id=deployment)],
            )
            async with gate:
                await creating.CreateAutomation(automation_pb2.CreateAutomationRequest(automation=automation))

        await asyncio.gather(*map(create, watched))
        await _emit(channel, receiver, watched, rate, 1)
        before = serving.cpu_times()
        delays = await _emit(channel, receiver, watched, rate, seconds)
        after = serving.cpu_times()
    events = rate * seconds
    return {
        "automations": automations,
        "events_per_second": rate,
        "webhooks": len(delays),
        "event_to_webhook_ms_p50": round(delays[len(delays) // 2], 1),
        "event_to_webhook_ms_p95": round(delays[int(len(delays) * 0.95)], 1),
        "event_to_webhook_ms_max": round(delays[-1], 1),
        "cpu_us_per_event": round((after.user + after.system - before.user - before.system) / events * 1e6),
    }


async def _emit(channel: Any, receiver: Receiver, watched: list[str], rate: int, seconds: int) -> list[float]:
    """Emit at a steady rate; return after how many milliseconds each webhook came, sorted."""
    emitting = event_pb2_grpc.EventServiceStub(channel)
    chance = random.Random(7)
    start = len(receiver.received)
    expected = 0
    delays: list[float] = []
    sent: list[asyncio.Task[Any]] = []

    async def watch() -> None:
        while True:
            await receiver.got(start + len(delays) + 1)
            now = time.time()
            for request in receiver.received[start + len(delays) :]:
                delays.append((now - float(request.body)) * 1000)

    watching = asyncio.create_task(watch())
    began = time.time()
    for number in range(rate * seconds // BATCH):
        await asyncio.sleep(max(0.0, began + number * BATCH / rate - time.time()))
        events = []
        for _ in range(BATCH):
            is_watched = chance.random() < MATCHING_SHARE
            expected += is_watched
            deployment = chance.choice(watched) if is_watched else f"headrace.deployment.{uuid7()}"
            event = event_pb2.Event(
                event_id=str(uuid7()),
                name="app.run.Failed",
                resource=event_pb2.EventResource(resource_id=f"app.run.{uuid7()}", name="run"),
                related=[
                    event_pb2.EventResource(resource_id=deployment, role="deployment", name="nightly"),
                    event_pb2.EventResource(resource_id="app.flow.1", role="flow", name="etl"),
                    event_pb2.EventResource(resource_id="app.tag.prod", role="tag", name="prod"),
                ],
            )
            event.payload.update({"at": str(time.time())})
            events.append(event)
        sent.append(asyncio.create_task(_send(emitting, events)))
    await asyncio.gather(*sent)
    async with asyncio.timeout(60):
        await receiver.got(start + expected)
    await asyncio.sleep(0)
    watching.cancel()
    return sorted(delays)


async def _send(emitting: Any, events: list[event_pb2.Event]) -> None:
    await emitting.EmitEvents(event_pb2.EmitEventsRequest(events=events))


def main() -> int:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--automations", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    measured = []
    with durable_postgres() as url:
        for automations in arguments.automations:
            own = asyncio.run(_database(url))
            with server(own) as (target, serving):
                measured.append(asyncio.run(measure(target, serving, automations, arguments.rate, arguments.seconds)))
    results = {
        "benchmark": "automations",
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform()},
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "evaluation": measured,
    }
    print(json.dumps(results, indent=2))
    print(_summary(measured))
    return 0


def _summary(measured: list[dict[str, Any]]) -> str:
    """Return what matters of it in a line."""
    few, many = measured[0], measured[-1]
    ratio = many["cpu_us_per_event"] / few["cpu_us_per_event"]
    return (
        f"{many['automations']} automations, {many['events_per_second']} events/s: all {many['webhooks']} webhooks "
        f"came, p95 {many['event_to_webhook_ms_p95']} ms after their event (at most 500); CPU per event "
        f"{many['cpu_us_per_event']} us, {ratio:.2f} times that with {few['automations']} automations (at most 2)"
    )


async def _database(url: str) -> str:
    """Make a migrated database of its own for one measurement."""

    name = f"automations_{uuid7().hex}"
    connection = await asyncpg.connect(url)
    await connection.execute(f'create database "{name}"')
    await connection.close()
    own = with_database(url, name)
    await run.upgrade(own)
    return own


if __name__ == "__main__":
    sys.exit(main())
