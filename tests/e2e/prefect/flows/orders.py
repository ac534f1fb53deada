"""What people write with Prefect: tasks called and submitted, a subflow, retries, a failure, logs."""

import pathlib
import sys

from prefect import flow, get_run_logger, task

TRIES = pathlib.Path("tries")


@task
def price(count: int) -> int:
    return count * 10


@task(retries=2, retry_delay_seconds=0, tags=["shaky"])
def shaky() -> str:
    tries = TRIES.read_text().count("x") if TRIES.exists() else 0
    TRIES.write_text("x" * (tries + 1))
    if tries < 2:
        raise RuntimeError(f"try {tries + 1} fails")
    return "third time lucky"


@task
def hopeless() -> None:
    raise ValueError("no stock")


@flow
def confirm(total: int) -> str:
    return f"confirmed {price(total)}"


@flow(name="stock-orders", version="1.2")
def orders(counts: list[int], customer: str = "nobody") -> str:
    logger = get_run_logger()
    logger.info("orders of %s", customer)
    total = sum(price(count) for count in counts)
    submitted = price.map(counts)
    assert sum(future.result() for future in submitted) == total
    logger.warning("the total is %d", total)
    state = hopeless(return_state=True)
    assert state.is_failed()
    return f"{shaky()}, {confirm(total)}"


if __name__ == "__main__":
    print(orders([int(word) for word in sys.argv[1:]] or [1, 2, 3], customer="Ada"))
