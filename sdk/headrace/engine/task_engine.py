"""Running tasks: four ways to run a function, one life of a task run.

The path of a task that returns without an error is kept short; everything else is in `judging`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from types import GeneratorType
from typing import Any, Protocol

from headrace.api.v1 import task_run_pb2
from headrace.context import current_run, current_tags
from headrace.engine.arguments import Upstream, is_plain, resolve
from headrace.engine.backend import Backend
from headrace.engine.definitions import TaskDefinition
from headrace.engine.guards import Deadline, current_guard
from headrace.engine.hooks import await_hooks, call_hooks
from headrace.engine.judging import (
    FINAL_CODES,
    complete,
    fail,
    judge_error,
    needs_preparation,
    prepare,
    stop,
    timed_out,
)
from headrace.engine.keeping import close_transaction, close_transaction_on_loop
from headrace.engine.runs import TaskRun, attempt_of_its_own, stand_in
from headrace.engine.slots import HeldSlots
from headrace.engine.streams import gathered, stream_here, stream_on_loop
from headrace.engine.tag_limits import arrival_of_tags, take_slots
from headrace.errors import HeadraceError
from headrace.futures import arrival
from headrace.outcomes import Interrupted, UpstreamFailed
from headrace.recording.facts import COMPLETED, FAILED
from headrace.states import State
from headrace.tracing import open_task_run_span


class Elsewhere(Protocol):
    """Executes a task's function outside of this process; everything else about the run stays here."""

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Hand a try over, and wait until it starts. What goes wrong is raised by `finish`."""

    def finish(self) -> Any:
        """Wait for the end of the try; returns what the function returned.

        Raises:
            BaseException: What ended the try.
        """


class TaskCall:
    """One call of a task: its run and its arguments.

    Args:
        definition: The task.
        args: Positional arguments; may be futures, or hold some.
        kwargs: Keyword arguments.
        wait_for: Further futures to wait for.
        backend: Gives what is used outside of a flow run.

    Raises:
        TypeError: The arguments do not fit the task's function.
    """

    __slots__ = ("args", "elsewhere", "kwargs", "run", "slots", "upstream")

    def __init__(
        self,
        definition: TaskDefinition,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        wait_for: Iterable[Any],
        backend: Callable[[], Backend],
    ) -> None:
        definition.signature.check(args, kwargs)
        parent = current_run.get()
        if parent is None:
            host = stand_in(backend())
            self.run = run = TaskRun(definition, host, None)
        else:
            task_run = parent.task_run
            host = parent if task_run is None else task_run.host  # type: ignore[assignment]
            self.run = run = TaskRun(definition, host, task_run)
            run.guard = parent.guard
        if not host.id:
            run.attempt = attempt_of_its_own(run.task_run_id)
        tags = current_tags.get()
        if tags:
            run.tags = sorted(tags.union(definition.tags))
        self.args = args
        self.kwargs = kwargs
        self.elsewhere: Elsewhere | None = None
        self.slots: HeldSlots | None = None
        self.upstream: Upstream | None = None
        if wait_for or not is_plain(args, kwargs):
            upstream = Upstream(definition.signature, host.tracker, args, kwargs, wait_for)
            run.inputs = upstream.inputs
            if upstream.futures or upstream.needs_results:
                self.upstream = upstream
        if assets := definition.options.asset_deps:
            run.inputs = [*run.inputs, *(("", task_run_pb2.TASK_INPUT_KIND_ASSET, key) for key in assets)]

    def settle_arguments(self) -> None:
        """Put results in place of futures. All of them are done.

        Raises:
            UpstreamFailed: One did not complete.
        """
        upstream, self.upstream = self.upstream, None
        if upstream is None:
            return
        upstream.check()
        if upstream.needs_results:
            self.args = tuple(resolve(value) for value in self.args)
            self.kwargs = {name: resolve(value) for name, value in self.kwargs.items()}

    def _wait_for_turn(self) -> None:
        """Wait while the flow run is paused, and for the futures among the arguments.

        Raises:
            Interrupted: The flow run is not to go on.
        """
        host = self.run.host
        host.check()
        if host.paused is not None:
            host.hold()
            host.check()
        if self.upstream is not None:
            for future in self.upstream.futures:
                future.wait()

    async def _arrival_of_turn(self) -> None:
        """Do as `_wait_for_turn` does, on an event loop."""
        host = self.run.host
        host.check()
        if host.paused is not None:
            await host.hold_on_loop()
            host.check()
        if self.upstream is not None:
            for future in self.upstream.futures:
                await arrival(future)

    def _begin(self) -> bool:
        """Get ready to enter RUNNING; True if the run has its result already."""
        try:
            self.settle_arguments()
            return needs_preparation(self.run) and prepare(self.run, self.args, self.kwargs)
        except UpstreamFailed as error:
            fail(self.run, error, name="UpstreamFailed", retriable=False)
            raise
        except HeadraceError as error:
            fail(self.run, error)
            raise

    def run_here(self) -> Any:
        """Run a synchronous function in this thread; returns its value.

        Raises:
            BaseException: What ended the run.
        """
        run = self.run
        definition = run.definition
        options = definition.options
        elsewhere = self.elsewhere
        guard = run.guard
        if guard is None:
            guard = run.guard = current_guard()
        was_armed = guard.disarm()
        token = current_run.set(run)
        try:
            self._wait_for_turn()
            if self._begin():
                return run.value
            if run.transaction is not None:
                run.transaction.enter()
            run.arguments = self.args, self.kwargs
            fn = definition.fn if run.host.spans is None else run.host.spans.around(run, definition.fn)
            while True:
                if run.tags:
                    self.slots = take_slots(run)
                if elsewhere is not None:
                    elsewhere.begin(self.args, self.kwargs)
                run.enter_running()
                if options.on_running:
                    call_hooks(options.on_running, definition, run, run.state())
                deadline = None
                if options.timeout_seconds is not None and elsewhere is None:
                    deadline = Deadline(guard, options.timeout_seconds)
                try:
                    try:
                        if elsewhere is not None:
                            value = elsewhere.finish()
                        else:
                            guard.arm()
                            value = fn(*self.args, **self.kwargs)
                            if type(value) is GeneratorType:
                                value = list(value)
                    finally:
                        guard.disarm()
                        if deadline is not None:
                            deadline.close()
                    if deadline is not None and deadline.expired:
                        # A call into C could not be ended: it came back late.
                        raise timed_out(run)
                    return complete(run, value)
                except BaseException as error:
                    if run.code in FINAL_CODES:
                        raise
                    delay, cause = judge_error(run, error, deadline)
                    if delay < 0:
                        if cause is error:
                            raise
                        raise cause from None
                self._let_go()
                run.host.stopped.wait(delay)
                run.host.check()
        except Interrupted as error:
            if run.code not in FINAL_CODES:
                stop(run, error)
            raise
        finally:
            run.arguments = None
            self._let_go()
            if run.transaction is not None:
                run.transaction.leave()
                close_transaction(run)
            current_run.reset(token)
            self._call_final_hooks()
            if was_armed:
                guard.arm()

    async def run_on_loop(self) -> Any:
        """Run a coroutine function on this event loop; otherwise as `run_here`."""
        run = self.run
        definition = run.definition
        options = definition.options
        token = current_run.set(run)
        try:
            await self._arrival_of_turn()
            # Looking for persisted results is input and output, which must not hold up the loop.
            if await asyncio.to_thread(self._begin) if run.persists else self._begin():
                return run.value
            if run.transaction is not None:
                run.transaction.enter()
            run.arguments = self.args, self.kwargs
            fn = definition.fn if run.host.spans is None else run.host.spans.around(run, definition.fn)
            while True:
                if run.tags:
                    self.slots = await arrival_of_tags(run)
                run.enter_running()
                if options.on_running:
                    await await_hooks(options.on_running, definition, run, run.state())
                try:
                    started = fn(*self.args, **self.kwargs)
                    if definition.kind == "async generator":
                        started = gathered(started)
                    value = await (started if options.timeout_seconds is None else self._in_time(started))
                    return await asyncio.to_thread(complete, run, value) if run.persists else complete(run, value)
                except BaseException as error:
                    if run.code in FINAL_CODES:
                        raise
                    delay, _ = judge_error(run, error)
                    if delay < 0:
                        raise
                self._let_go()
                await asyncio.sleep(delay)
        except (Interrupted, asyncio.CancelledError) as error:
            if run.code not in FINAL_CODES:
                stop(run, error)
            raise
        finally:
            run.arguments = None
            self._let_go()
            if run.transaction is not None:
                run.transaction.leave()
                await close_transaction_on_loop(run)
            current_run.reset(token)
            if options.on_completion or options.on_failure:
                await await_hooks(self._final_hooks(), definition, run, run.state())

    def iterate(self) -> Generator[Any, Any, Any]:
        """Run a generator function in this thread; the run lasts until the iterator is exhausted."""
        run = self.run
        definition = run.definition
        options = definition.options
        run.guard = run.guard or current_guard()
        try:
            self._wait_for_turn()
            if self._begin():
                yield from run.value
                return None
            run.arguments = self.args, self.kwargs
            while True:
                if run.tags:
                    self.slots = take_slots(run)
                run.enter_running()
                call_hooks(options.on_running, definition, run, run.state())
                kept: list[Any] | None = [] if run.persists else None
                source = definition.fn(*self.args, **self.kwargs)
                try:
                    with open_task_run_span(run) as span:
                        returned = yield from stream_here(
                            run, source, options.timeout_seconds, lambda: timed_out(run), kept, span
                        )
                    complete(run, returned if kept is None or isinstance(returned, State) else kept)
                    return returned
                except GeneratorExit:
                    # Whoever iterates has had enough, which is no failure; what is missing is not kept.
                    complete(run, None, is_whole=False)
                    raise
                except BaseException as error:
                    if run.code in FINAL_CODES:
                        raise
                    delay, _ = judge_error(run, error)
                    if delay < 0:
                        raise
                self._let_go()
                run.host.stopped.wait(delay)
                run.host.check()
        except Interrupted as error:
            if run.code not in FINAL_CODES:
                stop(run, error)
            raise
        finally:
            run.arguments = None
            self._let_go()
            if run.transaction is not None:
                close_transaction(run)
            self._call_final_hooks()

    async def iterate_on_loop(self) -> AsyncGenerator[Any, Any]:
        """Run an asynchronous generator function; the run lasts until the iterator is exhausted."""
        run = self.run
        definition = run.definition
        options = definition.options
        try:
            await self._arrival_of_turn()
            if await asyncio.to_thread(self._begin) if run.persists else self._begin():
                for item in run.value:
                    yield item
                return
            run.arguments = self.args, self.kwargs
            while True:
                if run.tags:
                    self.slots = await arrival_of_tags(run)
                run.enter_running()
                await await_hooks(options.on_running, definition, run, run.state())
                kept: list[Any] | None = [] if run.persists else None
                source = definition.fn(*self.args, **self.kwargs)
                seconds = options.timeout_seconds
                try:
                    with open_task_run_span(run) as span:
                        items = stream_on_loop(run, source, seconds, lambda: timed_out(run), kept, span)
                        async with contextlib.aclosing(items):
                            async for item in items:
                                yield item
                    await asyncio.to_thread(complete, run, kept) if kept is not None else complete(run, None)
                    return
                except GeneratorExit:
                    complete(run, None, is_whole=False)
                    raise
                except BaseException as error:
                    if run.code in FINAL_CODES:
                        raise
                    delay, _ = judge_error(run, error)
                    if delay < 0:
                        raise
                self._let_go()
                await asyncio.sleep(delay)
        except (Interrupted, asyncio.CancelledError) as error:
            if run.code not in FINAL_CODES:
                stop(run, error)
            raise
        finally:
            run.arguments = None
            self._let_go()
            if run.transaction is not None:
                await close_transaction_on_loop(run)
            await await_hooks(self._final_hooks(), definition, run, run.state())

    async def _in_time(self, coroutine: Any) -> Any:
        timeout = asyncio.timeout(self.run.definition.options.timeout_seconds)
        try:
            async with timeout:
                return await coroutine
        except TimeoutError:
            if timeout.expired():
                raise timed_out(self.run) from None
            raise

    def _let_go(self) -> None:
        slots, self.slots = self.slots, None
        if slots is not None:
            self.run.host.backend.release_slots(slots)

    def _final_hooks(self) -> tuple[Any, ...]:
        options = self.run.definition.options
        if self.run.code == COMPLETED:
            return options.on_completion
        return options.on_failure if self.run.code == FAILED else ()

    def _call_final_hooks(self) -> None:
        options = self.run.definition.options
        if options.on_completion or options.on_failure:
            call_hooks(self._final_hooks(), self.run.definition, self.run, self.run.state())
