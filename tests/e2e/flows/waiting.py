"""A script whose flow waits for a file, to be interrupted meanwhile."""

from __future__ import annotations

import pathlib
import time

from headrace import flow, task
from headrace_harness.ledger import note


@task
def wait_for(name: str) -> None:
    note("waiting", name=name)
    while not pathlib.Path(name).exists():
        time.sleep(0.02)
    note("waited", name=name)


@flow(name="waiting")
def waiting(name: str) -> None:
    wait_for(name)


if __name__ == "__main__":
    waiting("go")
