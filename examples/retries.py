"""What fails now and then is tried again; what has to be given up is told to somebody."""

import random
from typing import Any

from headrace import State, exponential_backoff, flow, get_run_logger, task


def only_if_unreachable(task: Any, run: Any, state: State[Any]) -> bool:
    return isinstance(state.data, ConnectionError)


def tell(task: Any, run: Any, state: State[Any]) -> None:
    print(f"{run.name} is given up: {state.message}")


@task(
    retries=4,
    retry_delay_seconds=exponential_backoff(0.1),
    retry_jitter_factor=0.5,
    retry_condition_fn=only_if_unreachable,
    timeout_seconds=5,
    on_failure=tell,
    task_run_name="fetch page {page}",
)
def fetch(page: int, luck: float = 0.5) -> list[int]:
    if random.random() > luck:
        raise ConnectionError("the other side does not answer")
    return [page * 10 + row for row in range(3)]


@task
def store(rows: list[int]) -> int:
    return len(rows)


@flow(retries=1)
def load(pages: int = 5, luck: float = 0.7) -> int:
    # Each store starts when its own fetch is done; none waits for the others.
    stored = store.map(fetch.map(range(pages), luck))
    total = sum(stored.result())
    get_run_logger().info("%d rows of %d pages", total, pages)
    return total


if __name__ == "__main__":
    load()
