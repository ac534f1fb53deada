"""Results that are kept need not be computed again: not by a second call, not by a rerun, not tomorrow."""

import datetime
import time

from headrace import flow, task
from headrace.caching import INPUTS, TASK_SOURCE


@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE, cache_expiration=datetime.timedelta(days=1))
def square_slowly(number: int, pause: float = 0.2) -> int:
    time.sleep(pause)
    return number * number


@flow(log_prints=True)
def squares(upto: int = 5) -> list[int]:
    started = time.perf_counter()
    found: list[int] = square_slowly.map(range(upto)).result()
    print(f"{found} in {time.perf_counter() - started:.2f} s")
    return found


if __name__ == "__main__":
    squares()
    squares()
