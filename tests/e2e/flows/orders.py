"""A script with everything that a flow is made of: calls, maps, retries, a subflow, async tasks, prints."""

from __future__ import annotations

import asyncio
import sys

from headrace import flow, get_run_logger, task
from headrace_harness.ledger import note

REGIONS = ("north", "south", "east")


@task
def fetch(region: str) -> list[int]:
    note("fetch", region=region)
    return [len(region), len(region) * 2]


@task
def price(amount: int) -> int:
    note("price", amount=amount)
    return amount * 10


_tries = 0


@task(retries=3, retry_delay_seconds=0.01)
def flaky() -> int:
    global _tries
    _tries += 1
    note("flaky", number=_tries)
    if _tries < 3:
        raise ConnectionError(f"try {_tries} fails")
    return _tries


@task
def add(amounts: list[int]) -> int:
    note("add", amounts=amounts)
    return sum(amounts)


@flow(name="order-total")
def total(amounts: list[int]) -> int:
    note("total", amounts=amounts)
    return add(amounts)


@task
async def confirm(number: int) -> int:
    await asyncio.sleep(0.01)
    note("confirm", number=number)
    return number


@flow(name="confirmations")
async def confirmations(count: int) -> int:
    done = await asyncio.gather(*(confirm(number) for number in range(count)))
    return sum(done)


@flow(name="orders", log_prints=True, version="1.2")
def orders(regions: list[str], discount: float = 0.0) -> int:
    fetched = [fetch(region) for region in regions]
    prices = price.map([amount for amounts in fetched for amount in amounts])
    number = flaky.submit()
    amount = total([future.result() for future in prices])
    print(f"the total is {amount}")
    get_run_logger().warning("the discount is %.1f", discount)
    return amount + number.result()


if __name__ == "__main__":
    print("orders:", orders(list(REGIONS), discount=0.5))
    print("confirmations:", asyncio.run(confirmations(4)))
    sys.stdout.flush()
