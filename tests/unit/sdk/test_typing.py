"""What type checkers know about flows and tasks: mypy checks this file, and running it shows that it is true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from typing import Any, assert_type

from headrace import Future, State, Task, flow, task
from headrace.engine.runs import TaskRun
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


@task
def streams(limit: int) -> Generator[int, None, str]:
    yield from range(limit)
    return "done"


@task
def iterates(limit: int) -> Iterator[int]:
    yield from range(limit)


@task
async def streams_later(limit: int) -> AsyncGenerator[str, None]:
    for number in range(limit):
        yield str(number)


@flow
def flow_streams(limit: int) -> Iterator[int]:
    yield from range(limit)


class Methods:
    @task
    def of_object(self, number: int) -> float:
        return number / 2

    @task
    @classmethod
    def of_class(cls, number: int) -> float:
        return number / 2

    @flow
    def as_flow(self, number: int) -> float:
        return number / 2


@plain.on_completion
def hook(task_: Task[..., Any], run: TaskRun, state: State[list[int]]) -> None:
    """Stays a function of these types."""


@flow
def uses_them() -> None:
    assert_type(plain(1, word="y"), list[int])
    assert_type(plain.submit(1), Future[list[int]])
    assert_type(plain.submit(1).result(), list[int])
    assert_type(plain.submit(plain.submit(1), wait_for=[]), Future[list[int]])
    assert_type(plain.map([1, 2]), FutureList[list[int]])
    assert_type(plain.map([1, 2]).result(), list[list[int]])
    assert_type(plain(1, return_state=True), State[list[int]])
    assert_type(plain(1, wait_for=[]), list[int])
    assert_type(with_options(1), str)
    assert_type(with_options.submit(1).result(), str)
    assert_type(with_options.with_options(name="other")(1), str)
    assert_type(coroutine.submit(3), Future[float])
    assert_type(coroutine.map([3]), FutureList[float])
    assert_type(synchronous(1), dict[str, int])
    assert_type(synchronous(1, return_state=True), State[dict[str, int]])
    assert_type(synchronous.with_options(name="other")(1), dict[str, int])
    assert_type(streams(1), Generator[int, None, str])
    assert_type(streams.submit(1), Future[list[int]])
    assert_type(streams(1, return_state=True), State[list[int]])
    assert_type(iterates.submit(1).result(), list[int])
    assert_type(iterates.map([1]).result(), list[list[int]])
    assert_type(streams_later.submit(1).result(), list[str])
    assert_type(flow_streams(2), Iterator[int])
    assert_type(flow_streams(2, return_state=True).result(), list[int])
    methods = Methods()
    assert_type(methods.of_object(1), float)
    assert_type(methods.of_object.submit(1), Future[float])
    assert_type(Methods.of_class(1), float)
    assert_type(methods.of_class.with_options(retries=1)(1), float)
    assert_type(methods.as_flow(1), float)


@flow
async def awaits_them() -> None:
    pending = assert_type(coroutine(2), Coroutine[Any, Any, float])
    assert_type(await pending, float)
    assert_type(await coroutine(1), float)
    assert_type(await coroutine.submit(1), float)
    assert_type(await asynchronous("a"), bytes)
    assert_type(await asynchronous("a", return_state=True), State[bytes])
    assert_type(await coroutine(1, return_state=True), State[float])
    assert_type([item async for item in streams_later(1)], list[str])


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
        Methods().of_object("1")  # type: ignore[call-overload]
        Methods.of_class("1")  # type: ignore[call-overload]
        Methods().as_flow("1")  # type: ignore[call-overload]

    assert callable(never_called)


def test_wrong_options_are_type_errors() -> None:
    def never_called() -> None:
        task(retry=3)  # type: ignore[call-overload]
        task(retries="3")  # type: ignore[call-overload]
        flow(name=3)  # type: ignore[call-overload]
        flow(on_commit=print)  # type: ignore[call-overload]
        plain.with_options(timeout="1 s")  # type: ignore[call-arg]
        synchronous.with_options(retries=1.5)  # type: ignore[arg-type]
        plain.submit(1).result().upper()  # type: ignore[attr-defined]

    assert callable(never_called)
