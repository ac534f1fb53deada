"""A flow that waits in its middle, for something to happen to the server meanwhile."""

import pathlib
import sys
import time

from prefect import flow, task


@task
def step(number: int) -> int:
    return number


@flow(name="stock-enduring")
def enduring(count: int) -> int:
    total = 0
    for number in range(count):
        if number == count // 2:
            pathlib.Path("half").touch()
            while not pathlib.Path("go").exists():
                time.sleep(0.05)
        total += step(number)
    return total


if __name__ == "__main__":
    print("total", enduring(int(sys.argv[1])))
