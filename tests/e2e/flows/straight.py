"""A flow that is sent to the pool in the arguments, with what its script defines."""

from __future__ import annotations

import os
import sys
import uuid

import pydantic

from headrace import flow, on_work_pool, task
from headrace.outcomes import FailedRun

POOL = sys.argv[1] if len(sys.argv) > 1 else "nowhere"


class Thing(pydantic.BaseModel):
    """A thing with a size."""

    size: int


@task
def grown(thing: Thing) -> Thing:
    return Thing(size=thing.size + 1)


@on_work_pool(POOL)
@flow(name=f"grow-{uuid.uuid4().hex[:8]}")
def grow(thing: Thing, *, wrong: bool = False) -> tuple[Thing, int]:
    if wrong:
        raise ValueError("not this one")
    return grown(thing), os.getpid()


if __name__ == "__main__":
    found, pid = grow(Thing(size=1))
    assert (found.size, pid != os.getpid()) == (2, True)
    future = grow.submit(Thing(size=2), wrong=True)
    error = future.result(60, raise_on_failure=False)
    assert isinstance(error, FailedRun)
    assert "not this one" in str(error)
    assert future.state.is_failed()
