"""A process of Prefect's client that is killed: its heartbeats end, and so its run has crashed."""

from __future__ import annotations

import pathlib
import signal

from headrace.api.v1 import state_pb2
from headrace_harness.machine import only
from headrace_harness.observer import Observer
from headrace_harness.prefect_client import PrefectMachine
from headrace_harness.servers import embedded_server
from headrace_harness.waiting import eventually

FLOW = """
import time

from prefect import flow


@flow(name="killed")
def killed() -> None:
    time.sleep(600)


killed()
"""
PATIENCE_SECONDS = 120.0


async def test_a_run_whose_process_was_killed_crashes(tmp_path: pathlib.Path) -> None:
    silence = {"HEADRACE_SERVER_PREFECT_SILENCE_SECONDS": "3"}
    async with embedded_server(tmp_path / "server", **silence) as server:
        observer = Observer(server.stack)
        machine = PrefectMachine(tmp_path, str(server.stack.http.base_url).rstrip("/"))
        (tmp_path / "killed.py").write_text(FLOW)
        program = machine.start_prefect_python("killed.py")
        try:

            async def was_heard_of() -> bool:
                asked = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}}
                answer = await server.stack.http.post("/api/events/filter", json=asked)
                return bool(answer.json()["events"])

            await eventually(was_heard_of, PATIENCE_SECONDS)
            program.signal(signal.SIGKILL)
            await program.ended()

            async def is_over() -> bool:
                run = only(await observer.runs_of("killed"))
                return bool(run.state.type == state_pb2.STATE_TYPE_CRASHED)

            await eventually(is_over, PATIENCE_SECONDS)
            run = only(await observer.runs_of("killed"))
            assert run.state.details.reason == "LEASE_LOST"
            assert await observer.flow_states(run.flow_run_id) == ["Pending", "Running", "Crashed"]
        finally:
            await machine.close()
