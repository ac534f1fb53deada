"""What is measured, and how; each measure is taken of both systems in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.environment import System


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table."""

    name: str
    unit: str
    more_is_better: bool
    take: Callable[[System], float]
    bar: float
    """How many times better than the rival we want to be."""


def _flow(kind: str, ours: int, theirs: int, field: str) -> Callable[[System], float]:
    def take(system: System) -> float:
        count = ours if system.name == "Headrace" else theirs
        return float(json.loads(system.run(kind, str(count)))[field])

    return take


def _command(ours: list[str], theirs: list[str]) -> Callable[[System], float]:
    def take(system: System) -> float:
        started = time.perf_counter()
        subprocess.run(
            [str(system.python), *(ours if system.name == "Headrace" else theirs)],
            env={**os.environ, **system.environment},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - started

    return take


def _bare_interpreter() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - started


def interpreter_seconds() -> float:
    """Return how long an interpreter takes to start and end, which every command pays."""
    return statistics.median(_bare_interpreter() for _ in range(5))


MEASURES = (
    Measure("sequential task runs", "per second", True, _flow("sequential", 3000, 100, "per_second"), 30),
    Measure("submitted task runs", "per second", True, _flow("submitted", 3000, 100, "per_second"), 30),
    Measure("empty flow run, median", "seconds", False, _flow("empty", 50, 3, "seconds"), 100),
    Measure("import", "seconds", False, _command(["-c", "import headrace"], ["-c", "import prefect"]), 10),
    Measure(
        "--version",
        "seconds",
        False,
        _command(["-c", "from headrace.cli import main; main()", "--version"], ["-m", "prefect", "--version"]),
        10,
    ),
    Measure("server ready", "seconds", False, lambda system: system.ready_seconds, 2),
)
