"""A flow that tells what it was given to prove itself with; `python guarded.py POOL` hands it to a pool."""

from __future__ import annotations

import os
import pathlib
import sys

from headrace import flow, receive_input, send_input, task
from headrace.artifacts import create_markdown_artifact
from headrace.context import get_flow_run
from headrace.variables import Variable
from headrace_harness.ledger import note


@task
def remember(value: str) -> None:
    Variable.set("seen", value, overwrite=True)


@flow(name="below")
def below() -> str:
    # A subflow within the process acts with the token of the run above it.
    create_markdown_artifact("ground", key="flour")
    send_input("tea", get_flow_run().id)
    assert next(receive_input(str, timeout=60)) == "tea"
    return str(Variable.get("seen"))


@flow(name="guarded")
def guarded() -> None:
    remember("by the run")
    note(
        "guarded",
        key=os.environ["HEADRACE_API_KEY"],
        began_with=pathlib.Path("/proc/self/environ").read_bytes().decode(errors="replace"),
        below=below(),
    )


if __name__ == "__main__":
    guarded.deploy("test", work_pool_name=sys.argv[1])
