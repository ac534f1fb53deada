"""Concurrency and rate limits in the user's code.

with concurrency("database", occupy=2):
    ...
async with concurrency(["database", "license"], timeout_seconds=60):
    ...
rate_limit("external-api")

How many slots a limit has is set on the server: `headrace concurrency-limit set database 10`. Who waits stands
in line, first come, first served, and gets a slot the moment it becomes free.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import os
import socket
from collections.abc import Iterable
from types import TracebackType

from headrace import errors
from headrace.context import current_run
from headrace.engine.backend import Backend
from headrace.engine.connection import get_backend
from headrace.engine.guards import Guard, current_guard
from headrace.engine.slots import HeldSlots, SlotWish, arrival_of_slots, wait_for_slots
from headrace.outcomes import NoSlot, SlotsLost, SlotsLostInterrupt, SlotsRefused

__all__ = ["Holder", "NoSlot", "SlotsLost", "SlotsRefused", "arate_limit", "concurrency", "rate_limit"]

_RELEASE_SECONDS = 5.0
"""How long the end of a block waits for a server that is away; the slots are given back in the background then."""

_RATE_LEASE_SECONDS = 15.0
_MOST_NAMES = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Who holds slots, as `headrace concurrency-limit inspect` shows it.

    Args:
        kind: What kind of thing: `flow-run`, `task-run` or a word of your own.
        id: Which one.
    """

    kind: str
    id: str


class concurrency:
    """Holds slots of concurrency limits for a block, with `with` or `async with`.

    Args:
        names: One limit or several; slots of all of them are taken together, or none. A name without a limit
            holds nothing back.
        occupy: How many slots of each.
        timeout_seconds: How long to wait in line; None for as long as it takes.
        max_retries: How often a call that waits in line (up to 20 s each) is made; 0 does not wait, None waits for
            as long as `timeout_seconds` says.
        lease_duration: Seconds after which the slots of a process that died become free. It is renewed in the
            background, whatever the block does.
        strict: A name without a limit is an error.
        holder: Who is shown to hold the slots; the run of the caller, else this process.
        raise_on_lease_renewal_failure: Ends the block where the slots are lost: somebody evicted it, or the server
            could not be reached for longer than `lease_duration`. Otherwise that is logged, and the block goes on.

    Raises:
        NoSlot: No slot became free in time. It is a `TimeoutError`, too.
        SlotsRefused: A limit gives no slots, or never so many.
        SlotsLost: The slots were lost, and `raise_on_lease_renewal_failure` is set.
        errors.NotFound: There is no such limit, and `strict` is set.
        errors.InvalidArgument: An argument is wrong.
    """

    def __init__(
        self,
        names: str | Iterable[str],
        occupy: int = 1,
        timeout_seconds: float | None = None,
        max_retries: int | None = None,
        lease_duration: float = 60.0,
        strict: bool = False,
        holder: Holder | None = None,
        raise_on_lease_renewal_failure: bool = False,
    ) -> None:
        if not 1 <= lease_duration <= 24 * 3600:
            raise errors.InvalidArgument.of_field("lease_duration", "must be from 1 to 86,400 seconds")
        if max_retries is not None and max_retries < 0:
            raise errors.InvalidArgument.of_field("max_retries", "must not be negative")
        self._wish = _wish(names, occupy, timeout_seconds, strict)
        self._wish = dataclasses.replace(self._wish, lease_seconds=lease_duration, most_waits=max_retries)
        self._holder = holder
        self._raises = raise_on_lease_renewal_failure
        self._backend: Backend | None = None
        self._held: HeldSlots | None = None
        self._was_armed = False
        self._task: asyncio.Task[object] | None = None
        self._was_cancelled = False

    def __enter__(self) -> concurrency:
        backend = self._enter()
        if backend is None:
            return self
        guard = current_guard()
        self._was_armed = guard.disarm()
        self._held = wait_for_slots(backend, self._wish, guard, is_armed=self._was_armed)
        try:
            if self._held is not None and self._raises:
                self._held.watch(lambda: guard.interrupt(SlotsLostInterrupt))
                guard.arm()
            elif self._was_armed:
                guard.arm()
        except BaseException as error:
            self._leave(guard, error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        guard = current_guard()
        guard.disarm()
        self._leave(guard, error)

    async def __aenter__(self) -> concurrency:
        backend = await asyncio.to_thread(self._enter)
        if backend is None:
            return self
        self._held = await arrival_of_slots(backend, self._wish)
        if self._held is not None and self._raises:
            self._task = asyncio.current_task()
            loop = asyncio.get_running_loop()
            self._held.watch(lambda: loop.call_soon_threadsafe(self._cancel))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        backend, held, task = self._backend, self._held, self._task
        self._backend = self._held = self._task = None
        if backend is None or held is None:
            return
        held.unwatch()
        giving_back = asyncio.wrap_future(backend.release_slots(held))
        await asyncio.wait([giving_back], timeout=_RELEASE_SECONDS)
        if task is None or held.loss is None:
            return
        if self._was_cancelled:
            task.uncancel()
        if error is None or isinstance(error, asyncio.CancelledError):
            raise held.loss from None

    def _enter(self) -> Backend | None:
        if not self._wish.names:
            return None
        self._wish = _held_by(self._wish, self._holder)
        self._backend = get_backend()
        return self._backend

    def _leave(self, guard: Guard, error: BaseException | None) -> None:
        # The guard is disarmed: nothing interrupts the thread between here and the end.
        backend, held = self._backend, self._held
        self._backend = self._held = None
        loss = None
        if backend is not None and held is not None:
            held.unwatch()
            concurrent.futures.wait([backend.release_slots(held)], timeout=_RELEASE_SECONDS)
            loss = held.loss if self._raises else None
        if loss is not None:
            guard.settle(SlotsLostInterrupt)
        if self._was_armed:
            guard.arm()
        if loss is not None and (error is None or isinstance(error, SlotsLostInterrupt)):
            raise loss from None

    def _cancel(self) -> None:
        if self._task is not None:
            self._was_cancelled = True
            self._task.cancel()


def rate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Wait until rate limits let the caller go on.

    Args:
        names: One limit or several, all with a slot decay (`--slot-decay-per-second`). A name without a limit holds
            nothing back.
        occupy: How many slots of each; they come back with time.
        timeout_seconds: How long to wait in line; None for as long as it takes.
        strict: A name without a limit is an error.

    Raises:
        NoSlot: The time was over.
        errors.NotFound: There is no such limit, and `strict` is set.
        SlotsRefused: A limit never has so many slots.
        errors.InvalidArgument: A limit is none of a rate.
    """
    wish = _rate_wish(names, occupy, timeout_seconds, strict)
    if wish.names:
        guard = current_guard()
        was_armed = guard.disarm()
        wait_for_slots(get_backend(), wish, guard, is_armed=was_armed)
        if was_armed:
            guard.arm()


async def arate_limit(
    names: str | Iterable[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Wait until rate limits let the caller go on; as `rate_limit`."""
    wish = _rate_wish(names, occupy, timeout_seconds, strict)
    if not wish.names:
        return
    await arrival_of_slots(await asyncio.to_thread(get_backend), wish)


def _wish(names: str | Iterable[str], occupy: int, timeout_seconds: float | None, strict: bool) -> SlotWish:
    wanted = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    if not all(type(name) is str and name for name in wanted) or len(wanted) > _MOST_NAMES:
        raise errors.InvalidArgument.of_field("names", f"must be up to {_MOST_NAMES} texts that are not empty")
    if type(occupy) is not int or occupy < 1:
        raise errors.InvalidArgument.of_field("occupy", "must be a whole number above 0")
    if timeout_seconds is not None and timeout_seconds < 0:
        raise errors.InvalidArgument.of_field("timeout_seconds", "must not be negative")
    return SlotWish(names=wanted, slots=occupy, is_strict=strict, timeout_seconds=timeout_seconds)


def _rate_wish(names: str | Iterable[str], occupy: int, timeout_seconds: float | None, strict: bool) -> SlotWish:
    wish = _wish(names, occupy, timeout_seconds, strict)
    return _held_by(dataclasses.replace(wish, is_rate=True, lease_seconds=_RATE_LEASE_SECONDS), None)


def _held_by(wish: SlotWish, holder: Holder | None) -> SlotWish:
    if holder is None:
        run = current_run.get()
        if run is not None and run.task_run is not None:
            holder = Holder("task-run", run.task_run.id)
        elif run is not None and run.flow_run is not None:
            holder = Holder("flow-run", run.flow_run.id)
        else:
            holder = Holder("client", f"{socket.gethostname()}:{os.getpid()}")
    return dataclasses.replace(wish, holder_kind=holder.kind, holder_id=holder.id)
