"""A script whose flow fails after a task that did not."""

from __future__ import annotations

from headrace import flow, task


@task
def prepare() -> str:
    return "prepared"


@task(retries=1, retry_delay_seconds=0)
def break_down(what: str) -> None:
    raise RuntimeError(f"{what} and broken")


@flow(name="failing")
def failing() -> None:
    break_down(prepare())


if __name__ == "__main__":
    failing()
