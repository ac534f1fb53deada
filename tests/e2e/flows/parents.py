"""Flows that start runs of deployments: `python parents.py FLOW`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from headrace import arun_deployment, flow, run_deployment
from headrace.api.v1 import state_pb2
from headrace_harness.ledger import note

tries: list[int] = []


@flow(name="parent", retries=1)
def parent() -> None:
    child = run_deployment("squares/test", parameters={"count": 3})
    note("child", id=child.flow_run_id, state=state_pb2.StateType.Name(child.state.type))
    tries.append(1)
    if len(tries) == 1:
        raise ValueError("executed again, with the same child")


@flow(name="both")
async def both() -> None:
    runs = await asyncio.gather(*[arun_deployment("squares/test", parameters={"count": n}) for n in (1, 2)])
    note("both", states=[state_pb2.StateType.Name(run.state.type) for run in runs])


@flow(name="waits-for-sleeper")
def waits() -> None:
    run_deployment("sleeper/test")


if __name__ == "__main__":
    flows: dict[str, Any] = {"parent": parent, "both": both, "waits": waits}
    chosen = flows[sys.argv[1]]
    answer = chosen()
    if asyncio.iscoroutine(answer):
        asyncio.run(answer)
