"""Flows and tasks of a user of Prefect; run by the tests with Prefect's own client."""

from __future__ import annotations

import pathlib
import sys
import time

from prefect import flow, task
from prefect.task_worker import serve


@task
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@task
def square(x: int) -> int:
    """Multiply by itself."""
    return x * x


@flow(log_prints=True)
def count(n: int = 1, name: str = "nobody") -> list[int]:
    """Run `n` tasks."""
    print(f"counting for {name}")
    return [add(i, 1) for i in range(n)]


@flow
def wait(marker: str, seconds: float = 600.0) -> None:
    """Say in a file that it runs, and wait."""
    with pathlib.Path(marker).open("a") as file:
        file.write("begun\n")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.1)
    with pathlib.Path(marker).open("a") as file:
        file.write("over\n")


def deploy(pool: str) -> None:
    """Deploy both flows into a pool."""
    folder, module = str(pathlib.Path(__file__).parent), pathlib.Path(__file__).name
    count.from_source(source=folder, entrypoint=f"{module}:count").deploy(
        name=f"pooled-{pool}", work_pool_name=pool, parameters={"n": 2}, cron="0 0 * * *", tags=["stock"]
    )
    wait.from_source(source=folder, entrypoint=f"{module}:wait").deploy(
        name=f"alone-{pool}", work_pool_name=pool, concurrency_limit=1
    )


def delay(number: int) -> None:
    """Give some tasks to whoever serves them, and print what comes of them."""
    futures = [square.delay(i) for i in range(number)]
    for future in futures:
        future.wait(timeout=120)
    print("results", [future.result(timeout=60) for future in futures])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", name]:
            count.serve(name=name, interval=3600, parameters={"name": "the schedule"})
        case ["deploy", pool]:
            deploy(pool)
        case ["tasks"]:
            serve(square)
        case ["delay", number]:
            delay(int(number))
