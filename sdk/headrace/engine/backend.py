"""What the engine needs of the world: somebody who keeps runs. A server, or memory in tests of flows."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from headrace.api.v1 import artifact_pb2, asset_pb2, block_pb2, event_pb2
from headrace.engine.slots import HeldSlots, SlotFuture, SlotWish
from headrace.recording.facts import AttemptHandle, Transition
from headrace.recording.log_batches import LogLine
from headrace.states import ResultReference, State

if TYPE_CHECKING:
    from headrace.engine.waits import Waits


@dataclasses.dataclass(slots=True, kw_only=True)
class NewFlowRun:
    """A flow run to be created as RUNNING by the process that runs it."""

    flow_run_id: str
    flow_name: str
    name: str
    """Empty lets the server make one."""
    parameters: Mapping[str, Any]
    """As JSON values."""
    tags: Sequence[str]
    flow_version: str
    retries: int
    retry_delays: Sequence[float]
    parent_task_run_id: str = ""
    parent_flow_run_id: str = ""


@dataclasses.dataclass(slots=True, kw_only=True)
class StartedFlowRun:
    """What the server said about a flow run that was created."""

    name: str
    token: str
    run_count: int


@dataclasses.dataclass(slots=True, kw_only=True)
class Verdict:
    """The answer to a proposal.

    Args:
        outcome: `accepted`, `rejected` (another state holds), `wait` or `aborted`.
        state: The state that the run is in, where the answer tells.
        reason: A sentence for people.
        code: A stable word.
        delay_seconds: With `wait`: when to ask again.
        token: Of the attempt, if it changed.
    """

    outcome: str
    state: State[Any] | None = None
    reason: str = ""
    code: str = ""
    delay_seconds: float = 0.0
    token: str = ""


@dataclasses.dataclass(slots=True, kw_only=True)
class EarlierTaskRun:
    """A task run that an earlier execution of the flow run made."""

    task_run_id: str
    version: int
    run_count: int
    is_completed: bool
    reference: ResultReference | None
    is_wanted_again: bool = False
    """Whether somebody asked for it to be executed again, whatever is cached."""


class Backend(Protocol):
    """Keeps runs. Whatever waits for something outside returns a future."""

    @property
    def record(self) -> Callable[[Transition], None]:
        """Takes a transition of a task run."""

    @property
    def write_log(self) -> Callable[[LogLine], None]:
        """Takes a log record."""

    @property
    def emit_event(self) -> Callable[[event_pb2.Event], object]:
        """Takes an event; sends it in the background."""

    @property
    def waits(self) -> Waits:
        """Where runs pause, and what is sent to them."""

    @property
    def api_url(self) -> str:
        """HTTP address of the server; empty without one."""

    def create_flow_run(self, run: NewFlowRun) -> concurrent.futures.Future[StartedFlowRun]:
        """Create a flow run as RUNNING."""

    def propose(self, flow_run_id: str, token: str, state: State[Any]) -> concurrent.futures.Future[Verdict]:
        """Propose a state for a flow run; a final one once all transitions recorded so far are acknowledged.

        Repeats while the server is away, up to the patience of the settings.
        """

    def flush(self) -> concurrent.futures.Future[None]:
        """Wait until all transitions recorded so far are acknowledged."""

    def flush_logs(self, timeout: float) -> concurrent.futures.Future[int]:
        """Wait until all log records are acknowledged; the result says how many are not."""

    def earlier_task_runs(self, flow_run_id: str) -> concurrent.futures.Future[dict[tuple[str, str], EarlierTaskRun]]:
        """Return the task runs of earlier executions of a flow run, by task key and dynamic key."""

    def find_cached(self, cache_key: str) -> concurrent.futures.Future[ResultReference | None]:
        """Return where the result is of the last task run that completed with a cache key."""

    def save_artifact(self, artifact: artifact_pb2.Artifact, *, is_new: bool) -> concurrent.futures.Future[None]:
        """Keep an artifact, or change the fields of one that are set."""

    def record_materializations(
        self, request: asset_pb2.RecordMaterializationsRequest
    ) -> concurrent.futures.Future[None]:
        """Tell that a task run made assets, once everything recorded before is acknowledged."""

    def get_variable(self, name: str) -> concurrent.futures.Future[Any]:
        """Return a variable's value; the future raises NotFound if there is none."""

    def set_variable(
        self, name: str, value: Any, tags: Sequence[str], *, overwrite: bool
    ) -> concurrent.futures.Future[None]:
        """Set a variable."""

    def unset_variable(self, name: str) -> concurrent.futures.Future[bool]:
        """Delete a variable; the result says whether there was one."""

    def register_block_type(
        self, request: block_pb2.RegisterBlockTypeRequest
    ) -> concurrent.futures.Future[block_pb2.RegisterBlockTypeResponse]:
        """Create a type of blocks, or change the one with the slug."""

    def save_block(self, request: block_pb2.SaveBlockRequest) -> concurrent.futures.Future[block_pb2.SaveBlockResponse]:
        """Create a block, or change the one with the type and name."""

    def get_block(self, request: block_pb2.GetBlockRequest) -> concurrent.futures.Future[block_pb2.GetBlockResponse]:
        """Return a block with those that it refers to; the future raises NotFound if there is none."""

    def delete_block(
        self, request: block_pb2.DeleteBlockRequest
    ) -> concurrent.futures.Future[block_pb2.DeleteBlockResponse]:
        """Delete a block; the future raises NotFound if there is none."""

    def acquire_slots(self, wish: SlotWish) -> SlotFuture:
        """Take slots of concurrency limits, waiting in line; None if there is nothing to be given back.

        A future that is cancelled leaves the line. It raises what `headrace.concurrency.concurrency` does.
        """

    def release_slots(self, held: HeldSlots) -> concurrent.futures.Future[None]:
        """Give slots back; goes on by itself where nobody waits for it."""

    def is_unlimited(self, names: tuple[str, ...]) -> bool:
        """Return whether none of these names had a limit a moment ago; never waits, and False knows nothing."""

    def attach(self, attempt: AttemptHandle) -> None:
        """Keep an attempt's lease from now on."""

    def detach(self, attempt: AttemptHandle) -> None:
        """Let an attempt's lease go."""


def done(value: Any) -> concurrent.futures.Future[Any]:
    """Return a future that has `value` already."""
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_result(value)
    return future


def refused(error: Exception) -> concurrent.futures.Future[Any]:
    """Return a future that raises `error`."""
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_exception(error)
    return future
