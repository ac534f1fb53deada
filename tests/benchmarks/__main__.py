"""`make bench [ARGS="--runs N --only WORD"]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

import asyncpg

from benchmarks.environment import System, headrace_server, prefect_python, prefect_server
from benchmarks.measures import MEASURES, Measure, interpreter_seconds
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database

FOLDER = pathlib.Path(__file__).resolve().parent
RESULTS = FOLDER / "results"

Figures = dict[str, dict[str, list[float]]]
"""Measure -> system -> what was measured, run by run."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure Headrace beside Prefect 3.8.8 on one Postgres.")
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is taken; the median counts")
    parser.add_argument("--only", default="", help="only measures with this word in their name")
    parser.add_argument(
        "--prefect-environment",
        type=pathlib.Path,
        default=FOLDER.parent.parent / ".venv-prefect",
        help="virtual environment with Prefect; made if it is not there",
    )
    chosen = parser.parse_args()
    measures = [measure for measure in MEASURES if chosen.only in measure.name]
    python = prefect_python(chosen.prefect_environment.absolute())
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        folder = pathlib.Path(place)
        postgres_url = stack.enter_context(durable_postgres())
        asyncio.run(create_databases(postgres_url, ("bench_headrace", "bench_prefect")))
        systems = [
            stack.enter_context(headrace_server(folder, with_database(postgres_url, "bench_headrace"))),
            stack.enter_context(prefect_server(folder, with_database(postgres_url, "bench_prefect"), python)),
        ]
        figures = _measure(systems, measures, chosen.runs)
    _report(figures, measures)


async def create_databases(url: str, names: Sequence[str]) -> None:
    """Create databases for the systems under measurement."""
    connection = await asyncpg.connect(url)
    try:
        for name in names:
            await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()


def _measure(systems: Sequence[System], measures: Sequence[Measure], runs: int) -> Figures:
    figures: Figures = {}
    for measure in measures:
        taken: dict[str, list[float]] = {system.name: [] for system in systems}
        for run in range(runs):
            for system in systems:
                taken[system.name].append(measure.take(system))
                print(f"{measure.name}, run {run + 1}: {system.name} {taken[system.name][-1]:.4g}", flush=True)
        figures[measure.name] = taken
    return figures


def _report(figures: Figures, measures: Sequence[Measure]) -> None:
    rows: list[dict[str, Any]] = []
    for measure in measures:
        ours = statistics.median(figures[measure.name]["Headrace"])
        theirs = statistics.median(figures[measure.name]["Prefect"])
        ratio = ours / theirs if measure.more_is_better else theirs / ours
        rows.append(
            {
                "measure": measure.name,
                "unit": measure.unit,
                "headrace": ours,
                "prefect": theirs,
                "times_better": ratio,
                "bar": measure.bar,
                "runs": figures[measure.name],
            }
        )
    print(f"\n{'measure':26} {'unit':11} {'Headrace':>10} {'Prefect':>10} {'ratio':>8} {'bar':>6}")
    for row in rows:
        print(
            f"{row['measure']:26} {row['unit']:11} {row['headrace']:10.4g} {row['prefect']:10.4g}"
            f" {row['times_better']:7.1f}x {row['bar']:5.0f}x{'' if row['times_better'] >= row['bar'] else '  below'}"
        )
    print(f"A bare interpreter takes {interpreter_seconds():.3f} s of each command.")
    RESULTS.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    target = RESULTS / f"{now:%Y%m%d-%H%M%S}.json"
    target.write_text(json.dumps({"at": now.isoformat(), "machine": machine(), "rows": rows}, indent=2))
    print(f"Written to {target}")


def machine() -> dict[str, object]:
    """Return what a result was measured on."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "commit": commit,
    }


if __name__ == "__main__":
    main()
