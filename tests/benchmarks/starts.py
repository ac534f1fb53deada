"""From the trigger of a run to the first line of its code, with a warm worker and with fresh interpreters.

    python -m benchmarks.starts --runs 200
    python -m benchmarks.starts --runs 100 --prefect 10

Server, worker and Postgres are real processes. The time starts before the call that makes the run; the flow notes
the time in its first line. Bars: warm p50 50 ms and p99 200 ms, fresh p50 500 ms. With `--prefect` the server and the
process worker of Prefect 3.8.8 follow in the same run, on the same Postgres, which syncs to disk for both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import statistics
import tempfile
import time
from typing import Any

from benchmarks.__main__ import FOLDER, create_databases
from benchmarks.beside_prefect import starts
from benchmarks.environment import prefect_python, prefect_server
from headrace.api.v1 import deployment_pb2, deployment_pb2_grpc, flow_run_pb2
from headrace.ids import uuid7
from headrace_harness import ledger
from headrace_harness.durable import durable_postgres
from headrace_harness.machine import Machine
from headrace_harness.observer import Observer
from headrace_harness.postgres import with_database
from headrace_harness.servers import embedded_supervisor, start_embedded
from headrace_harness.stack import Stack, connected

FLOW = """\
import time
from typing import Any
started = time.time()
from headrace import flow
from headrace_harness.ledger import note

@flow
def first_line(key: str) -> None:
    note("first", key=key, began=started, reached=time.time())

if __name__ == "__main__":
    import sys
    first_line.deploy("test", sys.argv[1])
"""
WAYS = {"warm": (), "fresh": ("--fresh-interpreter",)}
_WARM_UP = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how soon a triggered run reaches its code.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", choices=sorted(WAYS), help="only this kind of worker")
    parser.add_argument("--durable", action="store_true", help="on a Postgres that syncs to disk, not one in memory")
    parser.add_argument("--prefect", type=int, default=0, metavar="N", help="measure N runs of Prefect, too")
    parser.add_argument("--prefect-environment", type=pathlib.Path, default=FOLDER.parent.parent / ".venv-prefect")
    chosen = parser.parse_args()
    ways = [chosen.only] if chosen.only else list(WAYS)
    result: dict[str, Any] = {"load": os.getloadavg()}
    if chosen.durable or chosen.prefect:
        with durable_postgres() as url:
            names = ("starts_headrace", "starts_prefect")
            asyncio.run(create_databases(url, names))
            ours, theirs = (with_database(url, name) for name in names)
            result |= asyncio.run(_measure(ways, chosen.runs, ours))
            if chosen.prefect:
                result["Prefect"] = _measure_prefect(theirs, chosen.prefect, chosen.prefect_environment.absolute())
    else:
        result |= asyncio.run(_measure(ways, chosen.runs, "memory"))
    print(json.dumps(result, indent=2))


def _measure_prefect(database_url: str, runs: int, environment: pathlib.Path) -> dict[str, float]:
    python = prefect_python(environment)
    with (
        tempfile.TemporaryDirectory(prefix="headrace-starts-") as place,
        prefect_server(pathlib.Path(place), database_url, python) as system,
    ):
        spans = sorted(span * 1000 for span in starts(system, runs))
    return {
        "runs": len(spans),
        "p50_ms until first line": round(statistics.median(spans), 1),
        "worst_ms": round(spans[-1], 1),
    }


async def _measure(ways: list[str], runs: int, database: str) -> dict[str, dict[str, float]]:
    result = {}
    with tempfile.TemporaryDirectory(prefix="headrace-starts-") as place:
        folder = pathlib.Path(place)
        (folder / "server").mkdir()
        supervisor = embedded_supervisor(folder / "server", "--database", database)
        try:
            addresses = await start_embedded(supervisor)
            async with connected(addresses.http_url, addresses.targets) as stack:
                for way in ways:
                    result[way] = await _measure_way(folder / way, addresses.http_url, stack, way, runs)
        finally:
            await supervisor.stop()
    return result


async def _measure_way(folder: pathlib.Path, url: str, stack: Stack, way: str, runs: int) -> dict[str, float]:
    machine = _machine(folder, url)
    try:
        await machine.headrace("work-pool", "create", way)
        await machine.python("first.py", way)
        await machine.start_worker(way, *WAYS[way])
        stub = stack.stub(deployment_pb2_grpc.DeploymentServiceStub)
        request = deployment_pb2.GetDeploymentByNameRequest(flow_name="first-line", deployment_name="test")
        deployment_id = (await stub.GetDeploymentByName(request)).deployment.deployment_id
        steps = [await _one(folder, stub, deployment_id, Observer(stack)) for _ in range(runs + _WARM_UP)][_WARM_UP:]
    finally:
        await machine.close()
    ordered = sorted(one["first line"] for one in steps)
    medians = {f"p50_ms until {name}": statistics.median(one[name] for one in steps) for name in steps[0]}
    worst = {
        "p90_ms": ordered[int(len(ordered) * 0.9)],
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "worst_ms": ordered[-1],
    }
    return {"runs": len(steps), **{name: round(span, 1) for name, span in {**medians, **worst}.items()}}


def _machine(folder: pathlib.Path, url: str) -> Machine:
    folder.mkdir()
    (folder / "first.py").write_text(FLOW)
    return Machine(folder, url)


async def _one(folder: pathlib.Path, stub: Any, deployment_id: str, observer: Observer) -> dict[str, float]:
    """Trigger a run and return how long each step took to come, in milliseconds since the trigger."""
    key = str(uuid7())
    request = deployment_pb2.RunDeploymentRequest(deployment_id=deployment_id, flow_run_id=key)
    request.parameters.update({"key": key})
    triggered = time.time()
    await stub.RunDeployment(request)
    answered = time.time()
    await observer.ended(key)
    listed = await observer.flow_run_stub.ListFlowRunStates(flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=key))
    entered = {state.name: state.occurred_at.ToNanoseconds() / 1e9 for state in listed.states}
    noted = ledger.read(folder, "first")[-1]
    moments = {
        "answer": answered,
        "pending": entered["Pending"],
        "running": entered["Running"],
        "module": float(noted["began"]),
        "first line": float(noted["reached"]),
    }
    return {name: (moment - triggered) * 1000 for name, moment in moments.items()}


if __name__ == "__main__":
    main()
