"""Headrace beside Prefect 3.8.8 as stock Prefect clients meet both: Prefect's API, one Postgres, in turn.

    PYTHONPATH=tests python -m benchmarks.beside_prefect --prefect-environment .venv-prefect

Requests are the same bytes for both servers. What changes something was answered, so it is committed. Task runs are
those of the stock SDK in a process of its own: until its flow run has ended, and until the server shows all of them as
COMPLETED, as the SDK does not wait for that. Each flow run of the SDK ends on a whole second after its beginning, so
that short ones say nothing. The time from trigger to code is that of a stock process worker. The summary line says
which bars are met.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.__main__ import FOLDER, create_databases, machine
from benchmarks.environment import System, headrace_server, prefect_python, prefect_server
from headrace_harness.durable import durable_postgres
from headrace_harness.postgres import with_database

RIVALS = FOLDER / "rivals"
LINES = 500
"""Log lines of one request."""
_STARTS_SECONDS = 120.0
_NOTES = "BENCH_NOTES"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line of the result."""

    name: str
    unit: str
    bar: float
    """How many times better than the rival."""
    take: Callable[[System, argparse.Namespace], float]
    more_is_better: bool = True


def main() -> None:
    """Measure, print a table, and the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="how often each figure is taken; the median counts")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long requests are made, each time")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=1000, help="task runs of one flow run, each time")
    parser.add_argument("--starts", type=int, default=3, help="runs that a worker takes, each time")
    parser.add_argument("--only", default="", help="only lines with this word in their name")
    parser.add_argument("--processes", type=int, default=1, help="server processes of Headrace")
    parser.add_argument("--prefect-environment", type=pathlib.Path, default=FOLDER.parent.parent / ".venv-prefect")
    chosen = parser.parse_args()
    lines = [line for line in LINES_OF_THE_TABLE if chosen.only in line.name]
    python = prefect_python(chosen.prefect_environment.absolute())
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as place, contextlib.ExitStack() as stack:
        folder, url = pathlib.Path(place), stack.enter_context(durable_postgres())
        asyncio.run(create_databases(url, ("beside_headrace", "beside_prefect")))
        more = {"HEADRACE_SERVER_PROCESSES": str(chosen.processes)}
        ours = as_stock_clients_see(
            stack.enter_context(headrace_server(folder, with_database(url, "beside_headrace"), more)), python, folder
        )
        theirs = stack.enter_context(prefect_server(folder, with_database(url, "beside_prefect"), python))
        for system in (ours, theirs):
            _seed(system)
        rows = [_measured(line, ours, theirs, chosen) for line in lines]
    _print_table(rows)
    print(json.dumps({"rows": rows, "load": os.getloadavg(), "machine": machine()}, indent=2))
    missed = [row["line"] for row in rows if not row["met"]]
    print(f"{len(rows) - len(missed)} of {len(rows)} bars met{'; below: ' + ', '.join(missed) if missed else ''}")


def as_stock_clients_see(system: System, python: pathlib.Path, folder: pathlib.Path) -> System:
    """Return our server as one for stock clients: their interpreter, their scripts, their settings."""
    environment = {
        "PREFECT_HOME": str(folder / "prefect-at-headrace"),
        "PREFECT_API_URL": f"{system.url}/api",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }
    return dataclasses.replace(
        system, python=python, flows=RIVALS / "prefect_flows.py", environment=environment, url=f"{system.url}/api"
    )


def _measured(line: Line, ours: System, theirs: System, chosen: argparse.Namespace) -> dict[str, Any]:
    taken: dict[str, list[float]] = {ours.name: [], theirs.name: []}
    for run in range(chosen.runs):
        for system in (ours, theirs):
            taken[system.name].append(line.take(system, chosen))
            print(f"{line.name}, run {run + 1}: {system.name} {taken[system.name][-1]:.4g} {line.unit}", flush=True)
    mine, others = (statistics.median(taken[system.name]) for system in (ours, theirs))
    ratio = mine / others if line.more_is_better else others / mine
    return {
        "line": line.name,
        "unit": line.unit,
        "headrace": mine,
        "prefect": others,
        "times_better": round(ratio, 2),
        "bar": line.bar,
        "met": ratio >= line.bar,
        "runs": taken,
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    print(f"\n{'through the Prefect API':34} {'unit':8} {'Headrace':>10} {'Prefect':>10} {'ratio':>8} {'bar':>6}")
    for row in rows:
        print(
            f"{row['line']:34} {row['unit']:8} {row['headrace']:10.4g} {row['prefect']:10.4g}"
            f" {row['times_better']:7.1f}x {row['bar']:5.0f}x{'' if row['met'] else '  below'}"
        )


# Requests


def call(system: System, method: str, path: str, body: Any = None) -> Any:
    """Make one request and return what it answers."""
    content = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        system.url + path, data=content, method=method, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        told = answer.read()
    return json.loads(told) if told else None


def _seed(system: System) -> None:
    flow = call(system, "POST", "/flows/", {"name": "bench"})
    for number in range(200):
        body = {"flow_id": flow["id"], "state": {"type": "SCHEDULED"}, "tags": ["bench"], "parameters": {"n": number}}
        call(system, "POST", "/flow_runs/", body)


def _flow_id(system: System) -> str:
    return str(call(system, "GET", "/flows/name/bench")["id"])


def _get_run(system: System, chosen: argparse.Namespace) -> float:
    [run] = call(system, "POST", "/flow_runs/filter", {"limit": 1})
    return asyncio.run(rate(system, lambda _: ("GET", f"/flow_runs/{run['id']}", b""), chosen))


def _create_run(system: System, chosen: argparse.Namespace) -> float:
    body = {"flow_id": _flow_id(system), "state": {"type": "PENDING"}, "parameters": {"n": 1}, "tags": ["made"]}
    content = json.dumps(body).encode()
    return asyncio.run(rate(system, lambda _: ("POST", "/flow_runs/", content), chosen))


def _filter_runs(system: System, chosen: argparse.Namespace) -> float:
    chosen_runs = {"tags": {"all_": ["bench"]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    content = json.dumps({"flow_runs": chosen_runs, "sort": "ID_DESC", "limit": 50, "offset": 0}).encode()
    assert len(call(system, "POST", "/flow_runs/filter", json.loads(content))) == 50
    return asyncio.run(rate(system, lambda _: ("POST", "/flow_runs/filter", content), chosen))


def _filter_differently(system: System, chosen: argparse.Namespace) -> float:
    """Return how many filters are answered of which no two ask the same."""

    def request(number: int) -> tuple[str, str, bytes]:
        chosen_runs = {
            "tags": {"all_": ["bench"]},
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "expected_start_time": {"after_": f"2020-01-01T00:00:00.{number % 1_000_000:06}Z"},
        }
        body = {"flow_runs": chosen_runs, "sort": "ID_DESC", "limit": 50, "offset": 0}
        return "POST", "/flow_runs/filter", json.dumps(body).encode()

    return asyncio.run(rate(system, request, chosen))


def _log_lines(system: System, chosen: argparse.Namespace) -> float:
    flow_run_id = str(uuid.uuid4())

    def request(_: int) -> tuple[str, str, bytes]:
        lines = [
            {
                "name": "prefect.flow_runs",
                "level": 20,
                "message": f"record {number} of a run that says what it does, in about as many words as people use",
                "timestamp": f"2026-08-21T10:00:{number % 60:02}.{number:06}Z",
                "flow_run_id": flow_run_id,
            }
            for number in range(LINES)
        ]
        return "POST", "/logs/", json.dumps(lines).encode().replace(b"record 0 ", uuid.uuid4().hex.encode() + b" ")

    made = [request(number) for number in range(64)]
    # A repeated batch would be known: each has a text of its own.
    bodies = iter(range(10**9))

    def next_request(_: int) -> tuple[str, str, bytes]:
        method, path, content = made[next(bodies) % len(made)]
        return method, path, content.replace(b"that says", uuid.uuid4().hex[:9].encode(), 1)

    return LINES * asyncio.run(rate(system, next_request, chosen))


async def rate(system: System, request: Callable[[int], tuple[str, str, bytes]], chosen: argparse.Namespace) -> float:
    """Return how many requests a second a server answers, asked on some connections that stay open."""
    base, _, prefix = system.url.removeprefix("http://").partition("/")
    host, port = base.split(":")
    until = time.perf_counter() + chosen.seconds
    number = 0

    async def ask() -> None:
        nonlocal number
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < until:
            method, path, content = request(number)
            head = f"{method} /{prefix}{path} HTTP/1.1\r\nhost: {base}\r\ncontent-length: {len(content)}\r\n"
            writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + content)
            answer = await reader.readuntil(b"\r\n\r\n")
            told = await reader.readexactly(int(answer.lower().partition(b"content-length:")[2].partition(b"\r")[0]))
            if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                raise RuntimeError((answer + told).decode())
            number += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(chosen.connections)))
    return number / (time.perf_counter() - started)


# Flows


def _tasks(kind: str, rate_of: str) -> Callable[[System, argparse.Namespace], float]:
    def take(system: System, chosen: argparse.Namespace) -> float:
        told = json.loads(system.run(kind, str(chosen.tasks)))
        if told["lost"]:
            print(f"{system.name}: {told['lost']} of {chosen.tasks} task runs were never recorded", flush=True)
        return float(told[rate_of])

    return take


def _starts(system: System, chosen: argparse.Namespace) -> float:
    return statistics.median(starts(system, chosen.starts))


def starts(system: System, runs: int) -> list[float]:
    """Return the seconds from the trigger to the first line of code, in a stock process worker that stands ready."""
    pool = f"bench-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="headrace-notes-") as place, _worker(system, pool, place) as deployment:
        spans = []
        for number in range(runs + 1):
            key = f"{number}-{uuid.uuid4().hex}"
            triggered = time.time()
            call(system, "POST", f"/deployments/{deployment}/create_flow_run", {"parameters": {"key": key}})
            spans.append(_noted(pathlib.Path(place) / key) - triggered)
    # The first one meets a worker that has just started.
    return spans[1:]


@contextlib.contextmanager
def _worker(system: System, pool: str, notes: str) -> Iterator[str]:
    environment = {**os.environ, **system.environment, _NOTES: notes}
    script = [str(system.python), str(RIVALS / "prefect_worker.py"), "deploy", pool]
    deployed = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    if deployed.returncode != 0:
        raise RuntimeError(f"{system.name}: {deployed.stderr[-3000:]}")
    command = [str(system.python), "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    worker = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield deployed.stdout.strip().splitlines()[-1]
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def _noted(path: pathlib.Path) -> float:
    deadline = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < deadline:
        if path.exists():
            return float(path.read_text())
        time.sleep(0.01)
    raise RuntimeError("the worker did not run it")


LINES_OF_THE_TABLE = (
    Line("get run", "/s", 20, _get_run),
    Line("filter of 50", "/s", 10, _filter_runs),
    Line("filter of 50, each another", "/s", 10, _filter_differently),
    # It leaves thousands of runs behind on the faster side, so it comes after the filters.
    Line("create run", "/s", 15, _create_run),
    Line("log lines", "/s", 15, _log_lines),
    Line("stock SDK, sequential, in the SDK", "/s", 3, _tasks("sequential", "per_second")),
    Line("stock SDK, submitted, in the SDK", "/s", 3, _tasks("submitted", "per_second")),
    Line("stock SDK, sequential, recorded", "/s", 3, _tasks("sequential", "recorded_per_second")),
    Line("stock SDK, submitted, recorded", "/s", 3, _tasks("submitted", "recorded_per_second")),
    Line("stock worker, trigger to code", "s", 1, _starts, more_is_better=False),
)


if __name__ == "__main__":
    main()
