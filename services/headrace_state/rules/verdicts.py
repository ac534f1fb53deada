"""What the rules answer to a proposal."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

from headrace_state.rules.facts import Answer, NewState


@dataclasses.dataclass(frozen=True, slots=True)
class Accept:
    """The proposed state is stored."""

    state: NewState


@dataclasses.dataclass(frozen=True, slots=True)
class Replace:
    """Other states are stored in place of the proposed one, one after the other."""

    states: tuple[NewState, ...]
    code: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is stored; the proposer takes over the state that the run has."""

    code: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is stored; the proposer asks again."""

    delay_seconds: float
    code: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Abort:
    """Nothing is stored; the proposer gives up."""

    code: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Repeat:
    """The proposal was judged before: the first answer holds."""

    answer: Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Fence:
    """The proposer may not write for the run and must stop."""

    code: str
    reason: str


Verdict: TypeAlias = Accept | Replace | Keep | Wait | Abort | Repeat | Fence
