"""A script that serves its flow until it is told to stop."""

from __future__ import annotations

import pathlib
import time

from headrace import flow
from headrace_harness.ledger import note


@flow(name="served")
def served(name: str, wait_for: str = "") -> str:
    note("served", name=name)
    while wait_for and not pathlib.Path(wait_for).exists():
        time.sleep(0.02)
    note("finished", name=name)
    return f"hello {name}"


if __name__ == "__main__":
    served.serve("test", interval=1, parameters={"name": "schedule"}, limit=3)
