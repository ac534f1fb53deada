"""What the rules may know: the run as it is stored, its limits, and what is asked of it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_state.rules.states import StateType, is_final

Json = dict[str, Any]


class Actor(enum.Enum):
    """Who proposes."""

    PROCESS = "process"
    """Whoever calls `ProposeFlowRunState`: a process that executes the run, a worker, or a person's tool."""
    PERSON = "person"
    """Somebody who cancels or retries a run."""
    SERVER = "server"
    """A loop or a claim of the server."""


class RetryKind(enum.StrEnum):
    """How a retry is done."""

    IN_PROCESS = "IN_PROCESS"
    """The process that runs the flow waits and goes on."""
    RESCHEDULE = "RESCHEDULE"
    """The next worker that claims the run executes it."""


@dataclasses.dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a run is tried again."""

    retries: int = 0
    delay_seconds: tuple[float, ...] = ()
    jitter_factor: float = 0.0
    infrastructure_retries: int = 0
    kind: RetryKind | None = None
    pause_keys: tuple[str, ...] = ()
    resuming: bool = False


NO_RETRIES = RetryPolicy()


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """A stored state: also the transition into it."""

    state_id: uuid.UUID
    type: StateType
    name: str
    message: str
    at: datetime.datetime
    version: int
    details: Mapping[str, Any]
    result: Mapping[str, Any] | None

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return is_final(self.type)


@dataclasses.dataclass(frozen=True, slots=True)
class NewState:
    """A state that is about to be stored."""

    type: StateType
    name: str
    message: str = ""
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    scheduled_at: datetime.datetime | None = None
    """When a SCHEDULED run is due; None means now."""
    keeps_attempt: bool = False
    """True for a SCHEDULED run whose process waits and goes on by itself."""
    pause_seconds: float | None = None
    """How long a PAUSED run waits to be resumed; None: for ever, or until the time in the details."""


@dataclasses.dataclass(frozen=True, slots=True)
class Proposal:
    """What is asked of a run."""

    state: NewState
    proposal_id: uuid.UUID | None = None
    """Makes the proposal repeatable; None for one that is not repeated."""
    token: uuid.UUID | None = None
    """The token of the attempt that proposes."""
    own_token: uuid.UUID | None = None
    """The token of the attempt that begins by the proposal, of a client that keeps no tokens; None: a fresh one."""
    actor: Actor = Actor.PROCESS
    force: bool = False
    executes_all_again: bool = False
    """True for a retry that does not keep finished results."""
    chance: float = 0.0
    """A random number from 0 to 1, for jitter."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a proposal before."""

    state: State
    code: str = ""
    """Empty if the proposal was accepted."""
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class LimitFacts:
    """A limit that the run needs a slot of."""

    name: str
    slots: int
    taken: int
    """Slots that others hold."""

    @property
    def is_full(self) -> bool:
        """Whether no slot is left for one more run."""
        return self.taken >= self.slots


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: what each transition carries on."""

    type: StateType
    name: str
    at: datetime.datetime
    policy: RetryPolicy = NO_RETRIES
    attempt: int = 0
    is_held: bool = False
    """Whether an attempt is alive: somebody holds the run's lease."""
    run_count: int = 0
    retries_used: int = 0
    infrastructure_retries_used: int = 0
    run_seconds: float = 0.0
    start_delay_seconds: float | None = None
    expected_start_at: datetime.datetime | None = None
    next_scheduled_start_at: datetime.datetime | None = None
    started_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    pause_key: str = ""
    """Names the pause that the run is in."""


@dataclasses.dataclass(frozen=True, slots=True)
class FlowRunFacts:
    """Everything that the rules may know of a flow run; it is locked while they judge."""

    now: datetime.datetime
    """By the database's clock."""
    flow_run_id: uuid.UUID
    state: State
    progress: Progress
    attempt_token: uuid.UUID | None = None
    """Who may write for the run; it outlives the lease until another attempt begins."""
    has_deployment: bool = False
    has_work_pool: bool = False
    is_subflow: bool = False
    lease_id: uuid.UUID | None = None
    """The lease under which the run is held, if it is."""
    worker_name: str = ""
    """Who runs, or ran, its last attempt."""
    concurrency_strategy: int = 0
    limits: tuple[LimitFacts, ...] = ()
    """Active limits that the run needs slots of; only brought where the proposal may take slots."""
    answer: Answer | None = None
    """What was answered to the same proposal before."""
    has_awaited_input: bool = False
    """Whether the input is there that a proposed pause waits for; only brought where it waits for one."""

    @property
    def can_be_claimed(self) -> bool:
        """Whether there is somewhere a worker or serving process could take the run from."""
        return self.has_deployment or self.has_work_pool

    @property
    def is_suspended(self) -> bool:
        """Whether the run is paused and its process has gone."""
        return self.state.type is StateType.PAUSED and bool(self.state.details.get("pause_reschedule"))
