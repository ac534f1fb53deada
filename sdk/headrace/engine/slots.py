"""Slots of concurrency limits, for the runs of this process: taken, kept and given back on the loop thread.

A wait is a place in the server's line and a call that is open until the slots are handed over, so a slot that
becomes free is used at once. What is held is renewed here, where user code cannot hold it up.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import logging
import random
import threading
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from headrace import errors
from headrace.api.v1 import concurrency_pb2
from headrace.client.retry import delays, patiently
from headrace.outcomes import NoSlot, SlotsLost, SlotsRefused
from headrace.recording.identifiers import new_id

if TYPE_CHECKING:
    from headrace.api.v1 import concurrency_pb2_grpc
    from headrace.engine.backend import Backend
    from headrace.engine.guards import Guard

logger = logging.getLogger("headrace.concurrency")

CALL_SECONDS = 20.0
"""How long one call waits in line; the place is kept from call to call."""

FIRST_CALL_SECONDS = 1.0
"""How long the first call waits."""

FRESH_SECONDS = 2.0
"""After this time it is asked again whether tags that had no limit have one."""

KNOWN_SECONDS = 60.0
"""After this time nothing is assumed any more of tags that had no limit."""

_SLICE_SECONDS = 0.5
"""A thread that waits can be interrupted between two waits only."""

_RELEASE_PATIENCE_SECONDS = 60.0
_RENEWALS = 3.0
"""How often a lease is renewed in the time that it holds."""

_REPEATABLE = (errors.Unavailable, errors.DeadlineExceeded)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlotWish:
    """Slots of all named limits, or of none.

    Args:
        names: The limits.
        slots: How many of each.
        lease_seconds: How long they are kept without a renewal, from 1 to 86,400.
        holder_kind: `flow-run`, `task-run` or `client`.
        holder_id: Which one.
        is_strict: A name without a limit is an error.
        is_rate: Only rate limits are meant; nothing is given back.
        timeout_seconds: How long to wait in line; None for as long as it takes.
        most_waits: How many calls may wait in line, 0 for none of them; None for as many as it takes.
    """

    names: tuple[str, ...]
    slots: int = 1
    lease_seconds: float = 60.0
    holder_kind: str = "client"
    holder_id: str = ""
    is_strict: bool = False
    is_rate: bool = False
    timeout_seconds: float | None = None
    most_waits: int | None = None


class SlotFuture(concurrent.futures.Future["HeldSlots | None"]):
    """Slots that were asked for; the result is None if there is nothing to be given back."""

    awaited: str = ""
    """A limit that is full, once somebody has to wait for it."""


class HeldSlots:
    """Slots that are held until they are released or lost."""

    def __init__(self, lease_id: str, names: tuple[str, ...], lease_seconds: float) -> None:
        self.lease_id = lease_id
        self.names = names
        self.lease_seconds = lease_seconds
        self.loss: SlotsLost | None = None
        """Why the slots may be somebody else's; None while they are held."""
        self.keeping: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._on_loss: Callable[[], object] | None = None

    def watch(self, on_loss: Callable[[], object]) -> None:
        """Call `on_loss` once if the slots are lost before `unwatch`, in the thread that learns of it."""
        with self._lock:
            if self.loss is None:
                self._on_loss = on_loss
                return
        on_loss()

    def unwatch(self) -> None:
        """Call nobody any more: afterwards no call is in progress either."""
        with self._lock:
            self._on_loss = None

    def lose(self, loss: SlotsLost) -> None:
        """Take note that the slots are lost."""
        with self._lock:
            self.loss = loss
            if self._on_loss is not None:
                self._on_loss()
                self._on_loss = None


class SlotKeeper:
    """Takes, renews and releases slots. Lives on one event loop.

    Args:
        stub: Of the server.
        patience_seconds: How long a server that is away is waited for.
    """

    def __init__(self, stub: concurrency_pb2_grpc.ConcurrencyServiceAsyncStub, patience_seconds: float) -> None:
        self._stub = stub
        self._patience_seconds = patience_seconds
        self._background: set[asyncio.Task[Any]] = set()
        self._unlimited: dict[tuple[str, ...], float] = {}
        self._is_closed = False
        self._asking: set[tuple[str, ...]] = set()
        self._loop = asyncio.get_running_loop()

    def is_unlimited(self, names: tuple[str, ...]) -> bool:
        """Return whether none of these names had a limit a moment ago. May be called in any thread; never waits."""
        asked_at = self._unlimited.get(names)
        if asked_at is None:
            return False
        age = time.monotonic() - asked_at
        if age > KNOWN_SECONDS:
            return False
        if age > FRESH_SECONDS and names not in self._asking:
            self._asking.add(names)
            self._loop.call_soon_threadsafe(lambda: self._spawn(self._ask_again(names)))
        return True

    def begin(self, wish: SlotWish) -> SlotFuture:
        """Take slots, asked for in any thread.

        A future that is cancelled leaves the line, or gives back what was granted in the same moment. Its result
        raises NoSlot if none became free in time, SlotsRefused if none will, errors.NotFound for a name without a
        limit where the wish is strict, and errors.InvalidArgument where more is wanted than there is.
        """
        future = SlotFuture()
        self._loop.call_soon_threadsafe(self._serve, wish, future)
        return future

    def _serve(self, wish: SlotWish, future: SlotFuture) -> None:
        task = self._spawn(self._answer(wish, future))

        def cancel(_: object) -> None:
            if future.cancelled():
                self._loop.call_soon_threadsafe(task.cancel)

        future.add_done_callback(cancel)

    async def _answer(self, wish: SlotWish, future: SlotFuture) -> None:
        try:
            held = await self._acquire(wish, future)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
            return
        # The future runs for no time at all, so that it can be cancelled until its result is there.
        if future.set_running_or_notify_cancel():
            future.set_result(held)
        elif held is not None:
            await self.release(held)

    async def _acquire(self, wish: SlotWish, future: SlotFuture) -> HeldSlots | None:
        request = _request(wish)
        try:
            return await self._stand_in_line(wish, request, future)
        except errors.Unimplemented:
            if not all(name.startswith("tag:") for name in wish.names):
                raise
            # A server that is older than limits of tags.
            self._unlimited[wish.names] = time.monotonic()
            return None
        except BaseException:
            # Whether in line or granted in this moment: nobody waits for the answer.
            if not self._is_closed:
                self._spawn(self._give_back(request.lease_id), _GIVING_BACK)
            raise

    async def _stand_in_line(
        self, wish: SlotWish, request: concurrency_pb2.AcquireSlotsRequest, future: SlotFuture
    ) -> HeldSlots | None:
        deadline = None if wish.timeout_seconds is None else time.monotonic() + wish.timeout_seconds
        waits = 0
        while True:
            # The first call is short, so that it is soon known who waits.
            longest = CALL_SECONDS if waits else FIRST_CALL_SECONDS
            wait = longest if deadline is None else min(longest, deadline - time.monotonic())
            may_wait = wait > 0 and (wish.most_waits is None or waits < wish.most_waits)
            if may_wait:
                request.wait_up_to.FromNanoseconds(int(wait * 1e9))
                waits += 1
            else:
                request.ClearField("wait_up_to")
            try:
                response = await patiently(
                    lambda: self._stub.AcquireSlots(request, timeout=CALL_SECONDS + 15),
                    self._patience_seconds,
                    retried=_REPEATABLE,
                    on_wait=lambda error, _: logger.warning("Slots of %s wait: %s", ", ".join(wish.names), error),
                )
            except errors.InvalidArgument as error:
                if error.reason == "MORE_SLOTS_THAN_THERE_ARE":
                    raise SlotsRefused(error.message, metadata={"limit": ", ".join(wish.names)}) from None
                raise
            match response.WhichOneof("verdict"):
                case "held":
                    return self._take(wish, response.held)
                case "refused":
                    raise SlotsRefused(response.refused.reason, metadata={"limit": response.refused.name})
                case "wait":
                    future.awaited = response.wait.name
                    if not may_wait:
                        raise NoSlot(
                            f"no slot of {response.wait.name} became free in time"
                            if waits
                            else f"no slot of {response.wait.name} is free",
                            metadata={"limit": response.wait.name},
                        )
                case _:
                    raise errors.Internal("the server answered without a verdict that this client knows")

    def _take(self, wish: SlotWish, answer: concurrency_pb2.SlotsHeld) -> HeldSlots | None:
        if not answer.names:
            self._unlimited[wish.names] = time.monotonic()
        if not answer.lease_id:
            return None
        held = HeldSlots(answer.lease_id, tuple(answer.names), wish.lease_seconds)
        held.keeping = self._spawn(self._keep(held))
        return held

    async def _keep(self, held: HeldSlots) -> None:
        request = concurrency_pb2.RenewSlotsRequest(lease_id=held.lease_id)
        request.lease_duration.FromNanoseconds(int(held.lease_seconds * 1e9))
        pause = held.lease_seconds / _RENEWALS
        while True:
            await asyncio.sleep(pause * random.uniform(0.8, 1.0))
            for delay in delays(longest=pause):
                try:
                    await self._stub.RenewSlots(request, timeout=max(1.0, pause))
                    break
                except errors.LeaseLost as error:
                    held.lose(SlotsLost(f"the slots of {', '.join(held.names)} were lost: {error}"))
                    logger.warning("%s", held.loss)
                    return
                except errors.HeadraceError as error:
                    # Nobody is told that slots are lost before the server says so: it may be away itself.
                    logger.warning("The lease of slots of %s is not renewed: %s", ", ".join(held.names), error)
                await asyncio.sleep(delay)

    async def release(self, held: HeldSlots) -> None:
        """Give slots back. Where the server is away, that goes on in the background, and the lease ends by itself."""
        if held.keeping is not None:
            held.keeping.cancel()
        if held.loss is None:
            await asyncio.shield(self._spawn(self._give_back(held.lease_id), _GIVING_BACK))

    async def close(self, timeout: float) -> None:
        """Send what is to be given back, up to `timeout` seconds, and stop renewing."""
        self._is_closed = True
        going = [task for task in self._background if task.get_name() == _GIVING_BACK]
        if going:
            await asyncio.wait(going, timeout=timeout)
        left = list(self._background)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _give_back(self, lease_id: str) -> None:
        request = concurrency_pb2.ReleaseSlotsRequest(lease_id=lease_id)
        try:
            await patiently(lambda: self._stub.ReleaseSlots(request), _RELEASE_PATIENCE_SECONDS, retried=_REPEATABLE)
        except errors.HeadraceError as error:
            logger.warning("Slots are not given back and become free when their lease ends: %s", error)

    async def _ask_again(self, names: tuple[str, ...]) -> None:
        request = _request(SlotWish(names=names, lease_seconds=1.0))
        try:
            answer = await self._stub.AcquireSlots(request)
        except errors.Unavailable:
            # What is known has to do while the server is away.
            self._unlimited[names] = time.monotonic()
        except errors.HeadraceError as error:
            self._unlimited.pop(names, None)
            logger.warning("The limits of %s are not known: %s", ", ".join(names), error)
        else:
            if answer.HasField("held") and not answer.held.names:
                self._unlimited[names] = time.monotonic()
            else:
                self._unlimited.pop(names, None)
                await self._give_back(request.lease_id)
        finally:
            self._asking.discard(names)

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str | None = None) -> asyncio.Task[None]:
        task = self._loop.create_task(coroutine, name=name)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("Keeping slots failed, which is a fault of Headrace", exc_info=task.exception())


_GIVING_BACK = "headrace-giving-back"


def _request(wish: SlotWish) -> concurrency_pb2.AcquireSlotsRequest:
    request = concurrency_pb2.AcquireSlotsRequest(
        lease_id=new_id(),
        names=wish.names,
        slots=wish.slots,
        holder_kind=wish.holder_kind,
        holder_id=wish.holder_id,
        strict=wish.is_strict,
        rate=wish.is_rate,
    )
    request.lease_duration.FromNanoseconds(int(wish.lease_seconds * 1e9))
    return request


def wait_for_slots(
    backend: Backend,
    wish: SlotWish,
    guard: Guard,
    *,
    is_armed: bool,
    on_wait: Callable[[str], None] | None = None,
) -> HeldSlots | None:
    """Take slots in a thread whose guard is disarmed, waiting for them.

    Args:
        backend: Has them.
        wish: What is wanted.
        guard: Of this thread.
        is_armed: Whether the wait may be interrupted as user code may. The guard is disarmed on return, and armed
            where an error is raised.
        on_wait: Told once of a limit that is full, in this thread, with the guard disarmed.

    Raises:
        Interrupted: Somebody ended the run.
        headrace.errors.HeadraceError: There are no slots; as `SlotKeeper.begin`.
    """
    future = backend.acquire_slots(wish)
    try:
        while not future.done():
            if is_armed:
                guard.arm()
            concurrent.futures.wait([future], timeout=_SLICE_SECONDS)
            guard.disarm()
            if on_wait is not None and future.awaited and not future.done():
                on_wait(future.awaited)
                on_wait = None
        return future.result()
    except BaseException:
        guard.disarm()
        _abandon(backend, future)
        if is_armed:
            guard.arm()
        raise


async def arrival_of_slots(
    backend: Backend, wish: SlotWish, on_wait: Callable[[str], None] | None = None
) -> HeldSlots | None:
    """Take slots on an event loop; otherwise as `wait_for_slots`."""
    future = backend.acquire_slots(wish)
    arrival = asyncio.wrap_future(future)
    try:
        while on_wait is not None and not arrival.done():
            await asyncio.wait([arrival], timeout=_SLICE_SECONDS)
            if future.awaited and not arrival.done():
                on_wait(future.awaited)
                on_wait = None
        return await arrival
    except asyncio.CancelledError:
        _abandon(backend, future)
        raise


def _abandon(backend: Backend, future: SlotFuture) -> None:
    # A wait that is cancelled leaves the line by itself; what was granted in the same moment is given back.
    if not future.cancel() and not future.cancelled() and future.done() and future.exception() is None:
        held = future.result()
        if held is not None:
            backend.release_slots(held)
