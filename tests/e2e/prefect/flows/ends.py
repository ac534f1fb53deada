"""Flows that end in other ways: with an error, after retries, in a state that they return."""

import pathlib

from prefect import flow, task
from prefect.states import Completed

TRIES = pathlib.Path("flow-tries")


@task
def step() -> int:
    return 1


@flow(name="stock-failing")
def failing() -> None:
    step()
    raise ValueError("this flow fails")


@flow(name="stock-retried", retries=1, retry_delay_seconds=0)
def retried() -> str:
    step()
    if not TRIES.exists():
        TRIES.write_text("x")
        raise RuntimeError("the first try fails")
    return "second"


@flow(name="stock-named")
def named() -> Completed:
    return Completed(name="Delivered", message="at the door")


if __name__ == "__main__":
    assert failing(return_state=True).is_failed()
    print(retried())
    print(named(return_state=True).name)
