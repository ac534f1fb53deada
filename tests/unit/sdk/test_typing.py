"""What type checkers know about flows and tasks: mypy checks this file, and running it shows that it is true."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, assert_type

from headrace import Future, State, flow, task
from headrace.futures import FutureList
from headrace.testing import LocalRuns


@task
def plain(number: int, word: str = "x") -> list[int]:
    return [number]


@task(retries=2, tags=["a"])
def with_options(number: int) -> str:
    return str(number)


@task
async def coroutine(number: int) -> float:
    return number / 2


@flow
def synchronous(number: int) -> dict[str, int]:
    return {"number": number}


@flow(retries=1)
async def asynchronous(word: str) -> bytes:
    return word.encode()


@flow
def uses_them() -> None:
    assert_type(plain(1, word="y"), list[int])
    assert_type(plain.submit(1), Future[list[int]])
    assert_type(plain.submit(1).result(), list[int])
    assert_type(plain.submit(plain.submit(1), wait_for=[]), Future[list[int]])
    assert_type(plain.map([1, 2]), FutureList[list[int]])
    assert_type(plain.map([1, 2]).result(), list[list[int]])
    assert_type(plain(1, return_state=True), State[Any])
    assert_type(plain(1, wait_for=[]), list[int])
    assert_type(with_options(1), str)
    assert_type(with_options.submit(1).result(), str)
    assert_type(with_options.with_options(name="other")(1), str)
    assert_type(coroutine.submit(3), Future[float])
    assert_type(coroutine.map([3]), FutureList[float])
    assert_type(synchronous(1), dict[str, int])
    assert_type(synchronous(1, return_state=True), State[Any])
    assert_type(synchronous.with_options(name="other")(1), dict[str, int])


@flow
async def awaits_them() -> None:
    pending = assert_type(coroutine(2), Coroutine[Any, Any, float])
    assert_type(await pending, float)
    assert_type(await coroutine(1), float)
    assert_type(await coroutine.submit(1), float)
    assert_type(await asynchronous("a"), bytes)


def test_what_type_checkers_are_told_is_so(runs: LocalRuns) -> None:
    uses_them()
    coroutines: list[Coroutine[Any, Any, Any]] = [awaits_them()]
    for each in coroutines:
        asyncio.run(each)


def test_wrong_arguments_are_type_errors() -> None:
    def never_called() -> None:
        plain("1")  # type: ignore[call-overload]
        plain()  # type: ignore[call-overload]
        synchronous(word=1)  # type: ignore[call-overload]
        with_options(1, 2)  # type: ignore[call-overload]

    assert callable(never_called)
