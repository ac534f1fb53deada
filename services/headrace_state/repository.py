"""What storage offers to the use cases, in words of the domain."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from headrace_state.rules.claims import ClaimingWorker, Place
from headrace_state.rules.facts import FlowRunFacts, NewState, Progress, Proposal, RetryPolicy, State
from headrace_state.rules.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from headrace_state.rules.flows import NewFlow
from headrace_state.rules.frames import Frame
from headrace_state.rules.owned_limits import OwnedLimit
from headrace_state.rules.progress import LeaseStep
from headrace_state.rules.rows import Row

Result = TypeVar("Result")


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


@dataclasses.dataclass(frozen=True, slots=True)
class CreatedFlowRun:
    """A flow run that was created or found."""

    row: Row
    is_new: bool
    attempt: Held | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class AttemptRef:
    """Names an attempt, as its holder does."""

    flow_run_id: uuid.UUID
    token: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Renewal:
    """What became of renewing one attempt's lease."""

    attempt: AttemptRef
    is_renewed: bool
    expires_at: datetime.datetime | None
    state: State | None
    """The run's state; None if there is no such run."""
    is_current: bool
    """Whether the token is that of the last attempt, even where the run is over."""


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

    async def lock_expired_lease(self, lease_id: uuid.UUID) -> bool:
        """Lock a lease and return whether it has expired; its holder can then no longer renew it."""
        ...

    async def end_task_runs(self, flow_run_id: uuid.UUID, state: NewState) -> int:
        """Move the task runs of a run that are not final into `state`; return how many."""
        ...

    async def reopen_task_runs(self, flow_run_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID] | None) -> int:
        """Make finished task runs be executed again: all, or those named and what depends on them."""
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

    async def count(self, workspace_id: uuid.UUID, chosen: FlowRunFilter) -> tuple[Mapping[str, int], bool]:
        """Return how many runs are in states of each type, and whether counting stopped at its bound."""
        ...

    async def list_states(
        self, workspace_id: uuid.UUID, run_id: uuid.UUID, after: tuple[int, datetime.datetime] | None, limit: int
    ) -> list[Row]:
        """Return the history of a flow run or task run behind a place (version and time), oldest first."""
        ...


class Flows(Protocol):
    """The flows of all workspaces."""

    async def create(self, workspace_id: uuid.UUID, new: NewFlow) -> tuple[Row, bool]:
        """Create a flow, or return the one that has its name; and whether it was created.

        Raises:
            errors.AlreadyExists: The id is taken by another flow.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> Row | None:
        """Return a flow, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: FlowFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end); see `FlowRunReads.list_page`."""
        ...

    async def update(self, workspace_id: uuid.UUID, flow_id: uuid.UUID, columns: Mapping[str, Any]) -> Row | None:
        """Change columns of a flow; None if there is none."""
        ...

    async def delete(self, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> None:
        """Delete a flow with its runs.

        Raises:
            errors.NotFound: There is no such flow.
            errors.FailedPrecondition: Runs are in progress, or a deployment still schedules it.
        """
        ...


class TaskRunReads(Protocol):
    """Reads of task runs."""

    async def load(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> Row | None:
        """Return a task run, None if there is none."""
        ...

    async def load_many(self, workspace_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID]) -> list[Row]:
        """Return those task runs that exist."""
        ...

    async def list_of_flow_run(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, after: uuid.UUID | None, limit: int
    ) -> list[Row]:
        """Return the task runs of a flow run behind one, in order of their ids."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: TaskRunFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end); see `FlowRunReads.list_page`."""
        ...

    async def count(self, workspace_id: uuid.UUID, chosen: TaskRunFilter) -> tuple[Mapping[str, int], bool]:
        """Return how many task runs are in states of each type, and whether counting stopped at its bound."""
        ...


class Recording(Protocol):
    """Where transitions of task runs are recorded."""

    async def write(self, frames: Sequence[Frame]) -> list[frozenset[int]]:
        """Store frames of one workspace in one transaction.

        Returns:
            For each frame, which of its attempts may not write; nothing of these was stored.

        Raises:
            errors.InvalidArgument: A frame can never be stored.
            errors.Unavailable: Nothing was decided.
        """
        ...


class Leases(Protocol):
    """The leases of attempts."""

    async def renew(
        self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float | None
    ) -> list[Renewal]:
        """Renew the leases of attempts.

        Args:
            workspace_id: Whose runs.
            attempts: The attempts.
            lease_seconds: How long the leases hold from now on; None keeps what each has.

        Returns:
            What became of each, in the given order.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that was claimed, with its payloads."""

    row: Row
    attempt: Held
    worker_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought."""

    runs: tuple[ClaimedRun, ...]
    next_due_at: datetime.datetime | None
    """When the next run that is not due yet will be, if the claim looked that far."""
    is_blocked: bool
    """Whether limits hold back runs that are due."""


class Claims(Protocol):
    """The queue of due runs."""

    async def claim(
        self, workspace_id: uuid.UUID, place: Place, workers: Sequence[ClaimingWorker], lease_seconds: float
    ) -> Claimed:
        """Move due runs to PENDING under leases, with a slot of each of their limits, in one transaction.

        Args:
            workspace_id: Whose runs.
            place: Where from.
            workers: Who takes them.
            lease_seconds: How long the leases hold without a renewal.
        """
        ...

    async def next_due_at(
        self, workspace_id: uuid.UUID, work_pool_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID]
    ) -> datetime.datetime | None:
        """Return when the next run of pools, or of deployments without one, is due; None if nothing waits."""
        ...

    async def drop_scheduled(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, schedule_id: str | None, *, with_past: bool
    ) -> int:
        """Delete runs that schedules made of a deployment and that did not start; return how many.

        Args:
            workspace_id: Whose runs.
            deployment_id: The deployment.
            schedule_id: Only runs of this schedule; None for all.
            with_past: Whether runs that were due already are deleted, too.
        """
        ...

    async def list_waiting(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the runs of a deployment that did not start."""
        ...


class Limits(Protocol):
    """Concurrency limits."""

    async def set_owned(self, workspace_id: uuid.UUID, limits: Sequence[OwnedLimit]) -> None:
        """Set or remove limits of pools, queues and deployments, and hand on the slots that become free."""
        ...

    async def end_leases(self, workspace_id: uuid.UUID, lease_ids: Sequence[uuid.UUID]) -> None:
        """End leases that no attempt holds, and hand their slots on."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A lease that was not renewed in time."""

    lease_id: uuid.UUID
    workspace_id: uuid.UUID
    flow_run_id: uuid.UUID | None
    """The run that it is for; None for a client's."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunRef:
    """A flow run and whose it is."""

    workspace_id: uuid.UUID
    flow_run_id: uuid.UUID


class Upkeep(Protocol):
    """What loops look for, in all workspaces."""

    async def now(self) -> datetime.datetime:
        """Return the time by the database's clock."""
        ...

    async def list_expired_leases(self, since: datetime.datetime, limit: int) -> list[ExpiredLease]:
        """Return leases that expired, and whose holders had the time of a whole lease since `since` to renew them."""
        ...

    async def drop_gone_waiters(self) -> int:
        """Take those out of line who did not come back; return how many."""
        ...

    async def mark_late(self, after_seconds: float, limit: int) -> int:
        """Mark runs late that are due since `after_seconds`, cancel those that are too late to run; return how many."""
        ...

    async def list_without_slots(self, limit: int) -> list[WithoutSlot]:
        """Return due runs that found no slot and whose deployments say that somebody has to give way."""
        ...

    async def find_oldest_running(self, ref: RunRef) -> uuid.UUID | None:
        """Return the oldest run of the same deployment that is executed; None if none is, or one stops already."""
        ...

    async def list_expired_pauses(self, limit: int) -> list[RunRef]:
        """Return runs whose pause timed out."""
        ...

    async def list_stuck_cancellations(self, after_seconds: float, limit: int) -> list[RunRef]:
        """Return runs that were asked to stop `after_seconds` ago and have not stopped."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class WithoutSlot:
    """A due run that found no slot."""

    run: RunRef
    strategy: int
    """Number of the concurrency strategy."""
