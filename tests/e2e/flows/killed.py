"""A flow whose process is killed; `python killed.py POOL` hands it to a pool."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from headrace import flow, get_run_logger
from headrace_harness.ledger import note


@flow(name="killed")
def killed(reason: str) -> None:
    note("executed")
    os.kill(os.getpid(), signal.SIGKILL)


@killed.on_crashed
def tell(flow_: Any, run: Any, state: Any) -> None:
    get_run_logger().warning("called after the end")
    note("hook", flow=flow_.name, run=run.id, parameters=run.parameters, state=state.name, message=state.message)


@killed.on_failure
def never(*_: Any) -> None:
    note("never")


if __name__ == "__main__":
    killed.deploy("test", sys.argv[1])
