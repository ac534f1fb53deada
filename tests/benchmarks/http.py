"""Requests a second through the gateway: `python -m benchmarks.http [--connections 16] [--seconds 3]`.

The server is one process with everything in it, on a Postgres that keeps its default durability. The client is a
process of its own that does next to nothing with the answers. CPU times tell more than the clock on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import psutil

from benchmarks.__main__ import create_databases, machine
from benchmarks.environment import System, headrace_server
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database

LISTED = 50


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure requests a second through the gateway.")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is taken; the median counts")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        url = stack.enter_context(durable_postgres())
        asyncio.run(create_databases(url, ("bench_http",)))
        system = stack.enter_context(headrace_server(pathlib.Path(place), with_database(url, "bench_http")))
        figures = asyncio.run(_measure(system, chosen))
    print(json.dumps({"connections": chosen.connections, **figures, "machine": machine()}, indent=2))


async def _measure(system: System, chosen: argparse.Namespace) -> dict[str, Any]:
    ids = [_create(system) for _ in range(LISTED + 10)]
    body = json.dumps({"flow_name": "bench", "tags": ["a"]}).encode()
    requests: dict[str, Callable[[int], bytes]] = {
        "get": lambda number: _request("GET", f"/v1/flow-runs/{ids[number % len(ids)]}"),
        "list 50, all the same": lambda _: _request("GET", f"/v1/flow-runs?page_size={LISTED}"),
        "list 50, each another": lambda number: _request(
            "GET", f"/v1/flow-runs?page_size={LISTED}&filter.tags_none=t{number}"
        ),
        # Last, because what is told of new runs is worked on for a while afterwards.
        "create": lambda _: _request("POST", "/v1/flow-runs", body),
    }
    figures: dict[str, Any] = {}
    for name, request in requests.items():
        taken = [await rate(system, request, chosen) for _ in range(chosen.runs)]
        figures[name] = {key: round(statistics.median(each[key] for each in taken), 3) for key in taken[0]}
    return figures


def _create(system: System) -> str:
    request = urllib.request.Request(
        f"{system.url}/v1/flow-runs",
        data=json.dumps({"flow_name": "bench", "tags": ["a"]}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.loads(answer.read())["flow_run"]["flow_run_id"])


def _request(verb: str, path: str, body: bytes = b"") -> bytes:
    head = f"{verb} {path} HTTP/1.1\r\nhost: localhost\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def rate(system: System, request: Callable[[int], bytes], chosen: argparse.Namespace) -> dict[str, float]:
    """Return how many calls a second a server answers, and what each costs it."""
    host, port = system.url.removeprefix("http://").split(":")
    servers = _processes(system)
    spans: list[float] = []
    until = time.perf_counter() + chosen.seconds
    number = 0

    async def ask() -> None:
        nonlocal number
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < until:
            number += 1
            started = time.perf_counter()
            writer.write(request(number))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            spans.append(time.perf_counter() - started)
        writer.close()

    before = _spent(servers)
    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(chosen.connections)))
    seconds = time.perf_counter() - started
    spans.sort()
    return {
        "per_second": len(spans) / seconds,
        "server_cpu_ms": (_spent(servers) - before) / len(spans) * 1000,
        "p50_ms": spans[len(spans) // 2] * 1000,
        "p99_ms": spans[len(spans) * 99 // 100] * 1000,
    }


def _processes(system: System) -> list[psutil.Process]:
    marker = system.environment["HEADRACE_HOME"]
    found = []
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HEADRACE_HOME") == marker:
                found.append(process)
    return found


def _spent(processes: list[psutil.Process]) -> float:
    return float(sum(sum(process.cpu_times()[:2]) for process in processes))


if __name__ == "__main__":
    main()
