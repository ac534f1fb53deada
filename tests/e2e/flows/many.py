"""A script that submits as many tasks that do nothing as its argument says."""

from __future__ import annotations

import sys

from headrace import flow, task


@task
def nothing(number: int) -> int:
    return number


@flow(name="many")
def many(count: int) -> int:
    futures = [nothing.submit(number) for number in range(count)]
    return sum(future.result() for future in futures)


if __name__ == "__main__":
    print(many(int(sys.argv[1])))
