"""Two replicas of everything under a killer: `python -m benchmarks.killer [--seconds 180]`.

Every few seconds one of two server processes, each with all services in it, gets TERM, KILL, or STOP and a little
later CONT, while schedules fire every second, a deployment has a limit, and two workers execute. All the time it is
watched whether a limit is exceeded. At the end every slot must have fired once, every run must have ended, nothing
may be held any more, and no run may have begun before its time. Ends with status 1 if something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import pathlib
import random
import signal
import sys
import tempfile
import time
from typing import Any

import asyncpg
import psutil

from benchmarks.__main__ import machine as machine_facts
from headrace_harness import ledger
from headrace_harness.invariants import violations
from headrace_harness.machine import Machine
from headrace_harness.servers import EmbeddedServer, embedded_server
from headrace_server.postgres.access import account
from headrace_server.postgres.cluster import Cluster

FLOWS = pathlib.Path(__file__).parent.parent / "faults" / "flows"
PLAN = """
import sys
from steps import steps
steps.deploy('limited', sys.argv[1], interval=1, parameters={'count': 2, 'pause': 0.05}, concurrency_limit=2)
steps.deploy('free', sys.argv[1], interval=2, parameters={'count': 2, 'pause': 0.05})
"""
STOPPED_SECONDS = 4.0
REST_SECONDS = 180.0


def main() -> None:
    """Kill, look and print."""
    parser = argparse.ArgumentParser(description="Kill server processes again and again, and see what holds.")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-killer-") as place:
        summary = asyncio.run(_run(pathlib.Path(place), chosen))
    print(json.dumps(summary | {"machine": machine_facts()}, indent=2))
    sys.exit(0 if summary["holds"] else 1)


async def _run(folder: pathlib.Path, chosen: argparse.Namespace) -> dict[str, Any]:
    (folder / "machine").mkdir()
    async with embedded_server(folder / "server", "--processes", "2", "--database", "embedded") as server:
        machine = Machine(folder / "machine", server.stack.http_url)
        connection = await asyncpg.connect(Cluster(server.supervisor.home / "postgres", account()).url)
        try:
            machine.take(FLOWS / "steps.py")
            (machine.folder / "plan.py").write_text(PLAN)
            await machine.headrace("work-pool", "create", "mill")
            workers = [await machine.start_worker("mill") for _ in range(2)]
            await machine.python("plan.py", "mill")
            watching = asyncio.create_task(_watch(server))
            killed = await _kill(server, chosen)
            for name in ("limited", "free"):
                await machine.headrace("deployment", "pause", f"steps/{name}")
            rested = await _rest(connection)
            watching.cancel()
            seen = await asyncio.gather(watching, return_exceptions=True)
            found = await violations(connection, at_rest=True)
            facts = await _look(connection)
            facts["workers_alive"] = all(worker.process.poll() is None for worker in workers)
            facts["finished_by_ledger"] = len(ledger.read(machine.folder, "finished"))
        finally:
            await connection.close()
            await machine.close()
    watched = [] if isinstance(seen[0], asyncio.CancelledError) else [repr(seen[0])]
    broken = [*watched, *found]
    holds = not broken and rested and not facts["slots_missing_or_doubled"] and not facts["begun_early"]
    return {"holds": holds, "seconds": chosen.seconds, "killed": killed, "broken": broken[:20], **facts}


async def _kill(server: EmbeddedServer, chosen: argparse.Namespace) -> dict[str, int]:
    chance = random.Random(chosen.seed)
    counts: collections.Counter[str] = collections.Counter()
    until = time.monotonic() + chosen.seconds
    while time.monotonic() < until:
        await asyncio.sleep(chance.uniform(3.0, 6.0))
        processes = server.server_processes()
        if len(processes) < 2:
            continue
        victim = chance.choice(processes)
        kind = chance.choice(("TERM", "KILL", "STOP"))
        counts[kind] += 1
        with contextlib.suppress(psutil.NoSuchProcess):
            if kind == "STOP":
                victim.suspend()
                await asyncio.sleep(STOPPED_SECONDS)
                victim.resume()
            else:
                victim.send_signal(signal.SIGTERM if kind == "TERM" else signal.SIGKILL)
    return dict(counts)


async def _watch(server: EmbeddedServer) -> None:
    """Look for what must never be, until cancelled."""
    connection = await asyncpg.connect(Cluster(server.supervisor.home / "postgres", account()).url)
    try:
        while True:
            found = await violations(connection)
            if found:
                raise AssertionError("; ".join(found[:10]))
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def _rest(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
    """Return whether all runs came to an end in time."""
    until = time.monotonic() + REST_SECONDS
    while time.monotonic() < until:
        left = await connection.fetchval(
            "select count(*) from state.flow_run where ended_at is null"
        ) + await connection.fetchval("select count(*) from state.lease")
        if left == 0:
            return True
        await asyncio.sleep(0.5)
    return False


async def _look(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, Any]:
    rows = await connection.fetch(
        """
        select deployment_name,
               count(*) as runs,
               count(*) filter (where state_type = 'COMPLETED') as completed,
               count(distinct expected_start_at) as slots,
               extract(epoch from max(expected_start_at) - min(expected_start_at)) as span,
               count(*) filter (where started_at < expected_start_at) as early,
               max(extract(epoch from started_at - expected_start_at)) as latest,
               max(attempt) as attempts
          from state.flow_run
         group by deployment_name
        """
    )
    interval = {"limited": 1, "free": 2}
    wrong = {
        row["deployment_name"]: {"slots": row["slots"], "runs": row["runs"], "span": float(row["span"])}
        for row in rows
        if row["runs"] != row["slots"] or row["slots"] != int(row["span"]) // interval[row["deployment_name"]] + 1
    }
    return {
        "runs": {row["deployment_name"]: row["runs"] for row in rows},
        "completed": {row["deployment_name"]: row["completed"] for row in rows},
        "slots_missing_or_doubled": wrong,
        "begun_early": sum(row["early"] for row in rows),
        "latest_start_seconds": round(float(max(row["latest"] or 0 for row in rows)), 2),
        "most_attempts": max(row["attempts"] for row in rows),
    }


if __name__ == "__main__":
    main()
