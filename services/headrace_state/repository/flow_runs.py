"""Flow runs: units of work, creation, reads."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from headrace_state.rules.facts import FlowRunFacts, NewState, Progress, Proposal, RetryPolicy, State
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.rules.progress import LeaseStep
from headrace_state.rules.rows import Row

Result = TypeVar("Result")

Version: TypeAlias = tuple[Any, ...]
"""Which content a flow run has: its id, and what is another one after each change of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One transition that is to be stored."""

    state_id: uuid.UUID
    state: NewState
    progress: Progress
    """The run's progress after it."""
    proposal_id: uuid.UUID | None = None
    """The proposal that it answers."""
    code: str = ""
    """Why it was stored in place of the proposed one; empty if it is the proposed one."""
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt that begins."""

    token: uuid.UUID
    lease_id: uuid.UUID
    lease_seconds: float
    worker_id: str = ""
    worker_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a locked flow run."""

    facts: FlowRunFacts
    steps: tuple[Step, ...]
    attempt_token: uuid.UUID | None
    """Who may write for the run from now on."""
    lease: LeaseStep = LeaseStep.NONE
    attempt: NewAttempt | None = None
    """The attempt that begins, if the lease is taken."""
    infrastructure_id: str = ""
    """What identifies the process now; empty leaves it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """The attempt that holds a run."""

    number: int
    token: uuid.UUID
    lease_expires_at: datetime.datetime | None
    lease_seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a proposal."""

    verdict: str
    """`accepted`, `rejected`, `wait` or `aborted`."""
    state: State
    """The state that the run has after it."""
    code: str = ""
    reason: str = ""
    delay_seconds: float = 0.0
    attempt: Held | None = None
    """The attempt, if the proposer may execute the run now."""


@dataclasses.dataclass(frozen=True, slots=True)
class NewFlowRun:
    """A flow run that is to be created."""

    flow_run_id: uuid.UUID
    flow_id: uuid.UUID | None
    """None: the flow has `flow_name` and is made if it is missing."""
    flow_name: str
    name: str
    state: NewState
    state_id: uuid.UUID
    policy: RetryPolicy
    columns: Mapping[str, Any]
    """Further columns of the row by their names."""
    payloads: Mapping[str, Any]
    """Parameters, job variables and context."""
    attempt: NewAttempt | None = None
    """The attempt that begins with the creation."""
    keyed_limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Slots of the limits, by name, that are made or changed with the run."""


@dataclasses.dataclass(frozen=True, slots=True)
class CreatedFlowRun:
    """A flow run that was created or found."""

    row: Row
    is_new: bool
    attempt: Held | None = None


class FlowRunUnit(Protocol):
    """One transaction on flow runs of a workspace."""

    async def lock(self, flow_run_id: uuid.UUID, proposal: Proposal) -> FlowRunFacts | None:
        """Lock a run and return all that the rules may know; None if there is no such run."""
        ...

    async def lock_limits(self, facts: FlowRunFacts) -> FlowRunFacts:
        """Lock the limits of a locked run and return the facts with them."""
        ...

    async def store(self, change: Change) -> Held | None:
        """Store what becomes of a locked run, tell others, hand freed slots on.

        Returns:
            The attempt that holds the run then.
        """
        ...

    def together(self, flow_run_ids: Sequence[uuid.UUID]) -> contextlib.AbstractAsyncContextManager[None]:
        """Lock runs at once, and store at once, at the end of the block, what becomes of them in it.

        In the block each run is stored at most once.
        """
        ...

    async def lock_expired_lease(self, lease_id: uuid.UUID) -> bool:
        """Lock a lease and return whether it has expired; its holder can then no longer renew it."""
        ...

    async def extend_lease(self, lease_id: uuid.UUID, until: datetime.datetime) -> None:
        """Let a lease hold until its holder, who gives no sign of life before, has had its time after `until`."""
        ...

    async def end_task_runs(self, flow_run_id: uuid.UUID, state: NewState) -> None:
        """Move the task runs of a run that are not final into `state`."""
        ...

    async def reopen_task_runs(self, flow_run_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID] | None) -> int:
        """Make finished task runs be executed again: all, or those named and what depends on them."""
        ...

    async def load_run_input(self, flow_run_id: uuid.UUID, key: str) -> Row | None:
        """Return an input of a run, None if there is none."""
        ...

    async def add_run_input(self, flow_run_id: uuid.UUID, key: str, value: Any, sender: str) -> tuple[Row, bool]:
        """Add an input to a locked run, or find the one with its key; return it, and whether it was added.

        Raises:
            errors.ResourceExhausted: The run has too many inputs.
        """
        ...

    async def forget_waits(self, flow_run_id: uuid.UUID) -> None:
        """Delete what a locked run keeps of its sleeps, forms and awaited events, so that it waits anew."""
        ...

    async def put_run_input(self, flow_run_id: uuid.UUID, key: str, value: Any, sender: str) -> Row:
        """Store an input of a locked run, in place of an older one with its key; return it."""
        ...


class FlowRuns(Protocol):
    """The flow runs of all workspaces."""

    async def run(self, workspace_id: uuid.UUID, work: Callable[[FlowRunUnit], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction; again from the start if it lost against another."""
        ...

    async def create(self, workspace_id: uuid.UUID, runs: Sequence[NewFlowRun]) -> list[CreatedFlowRun]:
        """Create runs, or find those that exist by id or idempotency key, in the given order.

        Raises:
            errors.NotFound: A flow does not exist.
            errors.AlreadyExists: An id is taken in another workspace.
        """
        ...

    async def update(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, columns: Mapping[str, Any], payloads: Mapping[str, Any]
    ) -> None:
        """Change columns and payloads of a run beside its state, and tell others.

        Raises:
            errors.NotFound: There is no such flow run.
            errors.FailedPrecondition: Payloads are changed although the run has started.
        """
        ...

    async def delete(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> None:
        """Delete a run that is final or was never started, with its task runs and history.

        Raises:
            errors.NotFound: There is no such flow run.
            errors.FailedPrecondition: The run is being executed.
        """
        ...

    async def list_descendants(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the subflows below a run that are not final, nearest first."""
        ...


class FlowRunReads(Protocol):
    """Reads of flow runs."""

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> Row | None:
        """Return a run with its payloads, None if there is none."""
        ...

    async def load_many(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Row]:
        """Return those runs that exist, with their payloads."""
        ...

    async def is_below(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, above_id: uuid.UUID) -> bool:
        """Return whether a run is below another one: as a subflow at any depth, or made by it."""
        ...

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        chosen: FlowRunFilter,
        order: str,
        after: Sequence[Any] | None,
        limit: int,
        *,
        with_payloads: bool,
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end).

        Args:
            workspace_id: Whose runs.
            chosen: Which ones.
            order: Name of the order in the contract, e.g. `STARTED_DESC`.
            after: The key of the page before; None for the first page.
            limit: Most runs.
            with_payloads: Whether the rows hold parameters, job variables and context.
        """
        ...

    async def list_versions(
        self,
        workspace_id: uuid.UUID,
        chosen: FlowRunFilter,
        order: str,
        after: Sequence[Any] | None,
        limit: int,
        *,
        with_payloads: bool,
    ) -> tuple[list[Version], tuple[Any, ...] | None]:
        """Return a page as `list_page` does, of each run only its version."""
        ...

    async def load_versions(
        self,
        workspace_id: uuid.UUID,
        chosen: FlowRunFilter,
        flow_run_ids: Sequence[uuid.UUID],
        *,
        with_payloads: bool,
    ) -> list[tuple[Version, Row]]:
        """Return those of some runs that pass a filter, as `list_page` does, each with its version; in any order."""
        ...

    async def count(self, workspace_id: uuid.UUID, chosen: FlowRunFilter) -> tuple[Mapping[str, int], bool]:
        """Return how many runs are in states of each type, and whether counting stopped at its bound."""
        ...

    async def load_state(self, workspace_id: uuid.UUID, state_id: uuid.UUID, *, of_flow_run: bool) -> Row | None:
        """Return one state of a flow run or of a task run, None if there is none."""
        ...

    async def list_states(
        self, workspace_id: uuid.UUID, run_id: uuid.UUID, after: tuple[int, datetime.datetime] | None, limit: int
    ) -> list[Row]:
        """Return the history of a flow run or task run behind a place (version and time), oldest first."""
        ...
