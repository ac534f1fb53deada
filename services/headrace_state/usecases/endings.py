"""Proposals of processes that begin and end runs: those that come at the same time share a transaction."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import uuid
from collections.abc import Callable, Sequence

from headrace import errors
from headrace_state.repository.flow_runs import FlowRuns, FlowRunUnit, Outcome
from headrace_state.rules.facts import Proposal
from headrace_state.rules.states import StateType
from headrace_state.usecases.batching import Batcher, Resume
from headrace_state.usecases.propose import NOBODY, Executor, judge_and_store, propose

_SHARED = frozenset({StateType.RUNNING, StateType.COMPLETED, StateType.FAILED})
"""What processes propose all the time, and what does not end task runs."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """One proposal that begins or ends a run."""

    flow_run_id: uuid.UUID
    proposal: Proposal
    executor: Executor


class Proposals:
    """Judges proposals: those of processes that begin or end their runs together, others each by itself.

    Args:
        flow_runs: What they concern.
        follow: See `Batcher`.
    """

    def __init__(self, flow_runs: FlowRuns, *, follow: Callable[[], Resume] = lambda: contextlib.nullcontext) -> None:
        self._flow_runs = flow_runs
        self._endings: Batcher[Ending, Outcome | errors.HeadraceError] = Batcher(self._judge, follow=follow)

    async def propose(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, proposal: Proposal, executor: Executor = NOBODY
    ) -> Outcome:
        """Judge `proposal` and store what the verdict says.

        Raises:
            errors.NotFound: There is no such flow run.
            errors.LeaseLost: The proposer no longer executes the run (reason `LEASE_LOST`), or must prove that it
                does (reason `ATTEMPT_TOKEN_REQUIRED`).
        """
        if proposal.state.type not in _SHARED:
            return await propose(self._flow_runs, workspace_id, flow_run_id, proposal, executor)
        answer = await self._endings.ask(workspace_id, Ending(flow_run_id, proposal, executor))
        if isinstance(answer, errors.HeadraceError):
            raise answer
        return answer

    async def _judge(self, workspace_id: uuid.UUID, endings: Sequence[Ending]) -> list[Outcome | errors.HeadraceError]:
        answers: dict[int, Outcome | errors.HeadraceError] = {}
        waiting = dict(enumerate(endings))
        while waiting:
            # A run of which several ends are proposed is judged again once the first is stored.
            turn = {ending.flow_run_id: place for place, ending in reversed(waiting.items())}
            chosen = {place: waiting.pop(place) for place in turn.values()}
            answers |= await self._judge_runs(workspace_id, chosen)
        return [answers[place] for place in range(len(endings))]

    async def _judge_runs(
        self, workspace_id: uuid.UUID, endings: dict[int, Ending]
    ) -> dict[int, Outcome | errors.HeadraceError]:
        chances = {place: random.random() for place in endings}

        async def work(unit: FlowRunUnit) -> tuple[dict[int, Outcome | errors.HeadraceError], list[int]]:
            answers: dict[int, Outcome | errors.HeadraceError] = {}
            alone: list[int] = []
            async with unit.together([ending.flow_run_id for ending in endings.values()]):
                for place, ending in endings.items():
                    proposal = dataclasses.replace(ending.proposal, chance=chances[place])
                    facts = await unit.lock(ending.flow_run_id, proposal)
                    if facts is not None and proposal.state.type is StateType.RUNNING and not facts.progress.is_held:
                        # It needs slots, and how many are free is not known while others are about to take some.
                        alone.append(place)
                        continue
                    try:
                        answers[place] = await judge_and_store(unit, ending.flow_run_id, proposal, ending.executor)
                    except (errors.NotFound, errors.LeaseLost) as error:
                        # They are known before anything is stored, so that the others are not concerned.
                        answers[place] = error
            return answers, alone

        answers, alone = await self._flow_runs.run(workspace_id, work)
        for place in alone:
            answers[place] = await self._judge_alone(workspace_id, endings[place])
        return answers

    async def _judge_alone(self, workspace_id: uuid.UUID, ending: Ending) -> Outcome | errors.HeadraceError:
        try:
            return await propose(self._flow_runs, workspace_id, ending.flow_run_id, ending.proposal, ending.executor)
        except (errors.NotFound, errors.LeaseLost) as error:
            return error
