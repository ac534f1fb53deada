"""Hooks of flow runs whose process could not call them."""

from __future__ import annotations

import pathlib
import uuid

from headrace_harness import ledger
from headrace_harness.machine import Machine, only
from headrace_harness.observer import Observer
from headrace_harness.servers import eventually

FLOWS = pathlib.Path(__file__).parent / "flows"


async def test_the_worker_sees_to_the_hooks_of_a_killed_process(machine: Machine, observer: Observer) -> None:
    await machine.start_worker_of(FLOWS / "killed.py", f"pool-{uuid.uuid4().hex[:8]}")
    run_id = await machine.start_run("killed/test", "-p", "reason=memory")
    run = await observer.until(run_id, lambda run: run.attempt == 4 and run.state.name == "Crashed")
    assert "SIGKILL" in run.state.message

    async def is_told() -> bool:
        return bool(ledger.read(machine.folder, "hook"))

    await eventually(is_told, 60)
    told = only(ledger.read(machine.folder, "hook"))
    assert (told["flow"], told["run"], told["state"]) == ("killed", run_id, "Crashed")
    assert told["parameters"] == {"reason": "memory"}
    assert len(ledger.read(machine.folder, "executed")) == 4
    assert ledger.read(machine.folder, "never") == []

    async def is_logged() -> bool:
        return "called after the end" in [record.message for record in await observer.logs(run_id)]

    await eventually(is_logged, 60)
