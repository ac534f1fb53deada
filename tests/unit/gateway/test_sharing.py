"""Sharing of answers: one call for all who wait, and no answer that is older than its question."""

from __future__ import annotations

import asyncio

import pytest

from headrace_gateway.sharing import Key, Sharer

KEY: Key = ("/package.Service/List", b"", ())
OTHER: Key = ("/package.Service/List", b"", (("authorization", "Bearer other"),))


class Service:
    """Answers with the number of the call, once it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.lets: list[asyncio.Event] = []

    async def ask(self) -> bytes:
        """Answer."""
        self.calls += 1
        number, let = self.calls, asyncio.Event()
        self.lets.append(let)
        await let.wait()
        return str(number).encode()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_meanwhile_gets_the_next_answer_and_shares_it() -> None:
    sharer, service = Sharer[bytes](), Service()
    first = asyncio.create_task(sharer.answer(KEY, service.ask))
    await settle()
    later = [asyncio.create_task(sharer.answer(KEY, service.ask)) for _ in range(10)]
    await settle()
    assert service.calls == 1

    service.lets[0].set()
    assert await first == b"1"
    await settle()
    assert service.calls == 2
    latest = asyncio.create_task(sharer.answer(KEY, service.ask))
    service.lets[1].set()
    assert await asyncio.gather(*later) == [b"2"] * 10
    await settle()
    service.lets[2].set()
    assert await latest == b"3"


async def test_callers_do_not_share() -> None:
    sharer, service = Sharer[bytes](), Service()
    tasks = [asyncio.create_task(sharer.answer(key, service.ask)) for key in (KEY, OTHER)]
    await settle()
    assert service.calls == 2
    for let in service.lets:
        let.set()
    assert await asyncio.gather(*tasks) == [b"1", b"2"]


async def test_a_failure_is_for_those_who_asked_for_it() -> None:
    sharer, service = Sharer[bytes](), Service()

    async def fail() -> bytes:
        await service.ask()
        raise ValueError("refused")

    first = asyncio.create_task(sharer.answer(KEY, fail))
    await settle()
    second = asyncio.create_task(sharer.answer(KEY, fail))
    await settle()
    service.lets[0].set()
    with pytest.raises(ValueError, match="refused"):
        await first
    await settle()
    service.lets[1].set()
    with pytest.raises(ValueError, match="refused"):
        await second
    third = asyncio.create_task(sharer.answer(KEY, service.ask))
    await settle()
    service.lets[2].set()
    assert await third == b"3"


async def test_a_caller_that_goes_keeps_nobody_from_an_answer() -> None:
    sharer, service = Sharer[bytes](), Service()
    first = asyncio.create_task(sharer.answer(KEY, service.ask))
    await settle()
    others = [asyncio.create_task(sharer.answer(KEY, service.ask)) for _ in range(3)]
    await settle()
    first.cancel()
    others[0].cancel()
    await settle()
    service.lets[1].set()
    assert await asyncio.gather(*others[1:]) == [b"2", b"2"]
    assert others[0].cancelled()
