"""How fast the engine is by itself: `python tests/benchmarks/engine.py [--count N] [--server URL] [--profile KIND]`.

Without a server transitions are thrown away, so that what is measured is the engine alone. With one they are
recorded, and a figure ends when all of them are acknowledged. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import dataclasses
import json
import os
import platform
import pstats
import resource
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from headrace import flow, task
from headrace.engine.connection import use_backend
from headrace.recording.facts import Transition
from headrace.settings import get_settings, use_settings
from headrace.testing import LocalRuns, local_runs


@task
def nothing(number: int) -> int:
    """Do nothing."""
    return number


@task
async def nothing_async(number: int) -> int:
    """Do nothing."""
    return number


@flow
def empty(count: int) -> None:
    """Do nothing."""


@flow
def sequential(count: int) -> None:
    """Call a task again and again."""
    for number in range(count):
        nothing(number)


@flow
def submitted(count: int) -> None:
    """Submit a task again and again, then wait for all."""
    for future in [nothing.submit(number) for number in range(count)]:
        future.result()


@flow
def mapped(count: int) -> None:
    """Map a task."""
    nothing.map(range(count)).wait()


@flow
async def awaited(count: int) -> None:
    """Await a task again and again."""
    for number in range(count):
        await nothing_async(number)


@flow
async def gathered(count: int) -> None:
    """Run a task side by side on one event loop."""
    await asyncio.gather(*(nothing_async(number) for number in range(count)))


@flow
async def submitted_async(count: int) -> None:
    """Submit a coroutine function again and again, then await all."""
    for future in [nothing_async.submit(number) for number in range(count)]:
        await future


FLOWS: dict[str, Callable[[int], Coroutine[Any, Any, None] | None]] = {
    "sequential": sequential,
    "submitted": submitted,
    "mapped": mapped,
    "awaited": awaited,
    "gathered": gathered,
    "submitted_async": submitted_async,
}


class _Forgetful(LocalRuns):
    """Runs of which nothing is kept."""

    def record(self, transition: Transition) -> None:
        """Throw a transition away."""


def run(kind: str, count: int) -> float:
    """Run a flow; returns the seconds it took."""
    started = time.perf_counter()
    answer = FLOWS[kind](count)
    if answer is not None:
        asyncio.run(_finished(answer))
    return time.perf_counter() - started


async def _finished(coroutine: Coroutine[Any, Any, None]) -> None:
    await coroutine


def empty_runs(count: int) -> list[float]:
    """Run a flow that does nothing; returns the seconds of each run, shortest first."""
    spans = []
    for _ in range(count):
        started = time.perf_counter()
        empty(0)
        spans.append(time.perf_counter() - started)
    return sorted(spans)


@contextlib.contextmanager
def _surroundings(server: str | None) -> Iterator[None]:
    if server is None:
        with local_runs(logging_to_server=False), use_backend(_Forgetful()):
            yield
        return
    settings = dataclasses.replace(get_settings(), api_url=server, logging_to_console=False)
    with use_settings(settings):
        yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=20_000, help="task runs of a figure")
    parser.add_argument("--server", help="HTTP address of a server that records")
    parser.add_argument("--profile", choices=sorted(FLOWS), help="print where the time of one kind goes")
    chosen = parser.parse_args()
    with _surroundings(chosen.server):
        empty(0)
        if chosen.profile:
            profile = cProfile.Profile()
            profile.runcall(run, chosen.profile, chosen.count)
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)
            return
        spans = empty_runs(200)
        figures = {
            f"{kind}_per_second": round(chosen.count / run(kind, chosen.count)) for kind in FLOWS if run(kind, 100)
        }
    report = {
        "recorded_by": chosen.server or "nobody",
        "count": chosen.count,
        **figures,
        "empty_flow_run_seconds": {"p50": spans[100], "p99": spans[198]},
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]},
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
