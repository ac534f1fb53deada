"""The rules that judge proposals for flow runs."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_state.rules.facts import Actor, Answer, FlowRunFacts, LimitFacts, RetryKind, RetryPolicy
from headrace_state.rules.flow_run import RULES, judge
from headrace_state.rules.progress import enter
from headrace_state.rules.states import FINAL, LEGAL, USUAL_NAMES, StateType
from headrace_state.rules.verdicts import Abort, Accept, Fence, Keep, Repeat, Replace, Verdict, Wait
from unit.state.facts import HELD, NOW, OTHER_TOKEN, TOKEN, a_proposal, some_facts

S = StateType


@pytest.mark.parametrize("before", list(StateType))
@pytest.mark.parametrize("after", list(StateType))
def test_only_legal_transitions_are_accepted(before: StateType, after: StateType) -> None:
    name = "Other" if before is after else ""
    verdict = judge(a_proposal(after, name), some_facts(before))
    if isinstance(verdict, Accept):
        assert after in LEGAL[before]


@pytest.mark.parametrize("before", sorted(FINAL))
@pytest.mark.parametrize("after", list(StateType))
def test_a_final_run_refuses_every_state_but_a_retry(before: StateType, after: StateType) -> None:
    verdict = judge(a_proposal(after), some_facts(before))
    if after is S.SCHEDULED:
        assert isinstance(verdict, Accept)
    else:
        assert verdict == Abort("FINAL_STATE", f"the run is {USUAL_NAMES[before]}, which is final")


@pytest.mark.parametrize(
    ("facts", "proposal", "expected"),
    [
        (some_facts(S.SCHEDULED), a_proposal(S.PENDING, token=None), Accept),
        (some_facts(S.SCHEDULED), a_proposal(S.RUNNING, token=None), Accept),
        (some_facts(S.SCHEDULED, due_in=30), a_proposal(S.RUNNING, token=None), Wait),
        (some_facts(S.SCHEDULED, due_in=30), a_proposal(S.PENDING, token=None), Wait),
        (some_facts(S.SCHEDULED, due_in=30), a_proposal(S.CANCELLED, token=None), Accept),
        (some_facts(S.SCHEDULED, held=True), a_proposal(S.PENDING), Abort),
        (some_facts(S.PENDING), a_proposal(S.PENDING, token=None), Abort),
        (some_facts(S.PENDING), a_proposal(S.PENDING, "Submitting"), Accept),
        (some_facts(S.PENDING), a_proposal(S.PENDING), Abort),
        (some_facts(S.PENDING), a_proposal(S.RUNNING), Accept),
        (some_facts(S.PENDING), a_proposal(S.COMPLETED), Abort),
        (some_facts(S.RUNNING), a_proposal(S.PENDING), Abort),
        (some_facts(S.RUNNING), a_proposal(S.RUNNING), Keep),
        (some_facts(S.RUNNING), a_proposal(S.RUNNING, "Loading"), Accept),
        (some_facts(S.RUNNING), a_proposal(S.COMPLETED), Accept),
        (some_facts(S.CANCELLING), a_proposal(S.COMPLETED), Keep),
        (some_facts(S.CANCELLING), a_proposal(S.CANCELLING), Keep),
        (some_facts(S.CANCELLING), a_proposal(S.CANCELLED), Accept),
        (some_facts(S.CANCELLING), a_proposal(S.CRASHED, actor=Actor.SERVER), Replace),
        (some_facts(S.PAUSED), a_proposal(S.RUNNING, token=None), Accept),
        (some_facts(S.PAUSED), a_proposal(S.PENDING), Abort),
    ],
)
def test_a_transition_gets_its_verdict(facts: FlowRunFacts, proposal: Any, expected: type[Verdict]) -> None:
    assert isinstance(judge(proposal, facts), expected)


def test_the_wait_ends_when_the_run_is_due() -> None:
    verdict = judge(a_proposal(S.RUNNING, token=None), some_facts(S.SCHEDULED, due_in=12.5))
    assert verdict == Wait(12.5, "NOT_DUE", "the scheduled time is in the future")


def test_a_proposal_that_was_judged_gets_its_first_answer_even_when_the_run_is_over() -> None:
    first = some_facts(S.RUNNING).state
    facts = some_facts(S.COMPLETED, answer=Answer(first, "RETRY_SCHEDULED", "again"))
    assert judge(a_proposal(S.FAILED), facts) == Repeat(Answer(first, "RETRY_SCHEDULED", "again"))
    assert isinstance(judge(a_proposal(S.FAILED, force=True), facts), Repeat)


@pytest.mark.parametrize("state_type", sorted(set(StateType) - {S.CANCELLING, S.PENDING}))
def test_without_the_token_nobody_moves_a_run_that_is_executed(state_type: StateType) -> None:
    verdict = judge(a_proposal(state_type, "Other", token=None), some_facts(S.RUNNING))
    assert isinstance(verdict, Fence)
    assert verdict.code == "ATTEMPT_TOKEN_REQUIRED"


@pytest.mark.parametrize("before", list(StateType))
@pytest.mark.parametrize("after", list(StateType))
def test_a_token_of_another_attempt_is_always_fenced_off(before: StateType, after: StateType) -> None:
    verdict = judge(a_proposal(after, token=OTHER_TOKEN), some_facts(before))
    assert isinstance(verdict, Fence)
    assert verdict.code == "LEASE_LOST"


@pytest.mark.parametrize("before", sorted(set(StateType) - FINAL - {S.CANCELLING}))
def test_who_is_not_executed_is_cancelled_at_once(before: StateType) -> None:
    verdict = judge(a_proposal(S.CANCELLING, actor=Actor.PERSON), some_facts(before, held=False))
    assert isinstance(verdict, Replace)
    assert [state.type for state in verdict.states] == [S.CANCELLED]


@pytest.mark.parametrize("before", sorted(HELD - {S.CANCELLING}))
def test_who_is_executed_is_asked_to_stop(before: StateType) -> None:
    assert isinstance(judge(a_proposal(S.CANCELLING, actor=Actor.PERSON), some_facts(before)), Accept)


def test_a_run_without_a_place_to_run_is_not_retried() -> None:
    facts = some_facts(S.FAILED, has_deployment=False)
    assert judge(a_proposal(S.SCHEDULED, actor=Actor.PERSON), facts).code == "NOT_CLAIMABLE"  # type: ignore[union-attr]


def test_a_result_is_kept_unless_everything_is_executed_again() -> None:
    facts = some_facts(S.COMPLETED, result={"storage_key": "k"})
    kept = judge(a_proposal(S.SCHEDULED), facts)
    assert isinstance(kept, Keep)
    again = dataclasses.replace(a_proposal(S.SCHEDULED), executes_all_again=True)
    assert isinstance(judge(again, facts), Accept)


def test_a_forced_completion_keeps_the_result_that_is_there() -> None:
    facts = some_facts(S.COMPLETED, result={"storage_key": "k"})
    verdict = judge(a_proposal(S.COMPLETED, force=True), facts)
    assert isinstance(verdict, Accept)
    assert verdict.state.result == {"storage_key": "k"}


@pytest.mark.parametrize("before", list(StateType))
@pytest.mark.parametrize("after", sorted(set(StateType) - {S.CANCELLING}))
def test_force_stores_what_is_proposed(before: StateType, after: StateType) -> None:
    verdict = judge(a_proposal(after, token=None, force=True), some_facts(before))
    assert isinstance(verdict, Accept)
    assert verdict.state.type is after


@pytest.mark.parametrize(
    ("facts", "late"),
    [
        (some_facts(S.SCHEDULED, due_in=-20), True),
        (some_facts(S.SCHEDULED, name="AwaitingRetry", due_in=-20), False),
        (some_facts(S.SCHEDULED, name="Late", due_in=-20), False),
        (some_facts(S.SCHEDULED, held=True, due_in=-20), False),
        (some_facts(S.PENDING), False),
    ],
)
def test_only_a_run_that_waits_becomes_late(facts: FlowRunFacts, late: bool) -> None:
    verdict = judge(a_proposal(S.SCHEDULED, "Late", actor=Actor.SERVER), facts)
    assert isinstance(verdict, Accept if late else Keep)
    if isinstance(verdict, Accept):
        assert verdict.state.scheduled_at == facts.progress.next_scheduled_start_at


def test_a_run_pauses_once_for_each_key() -> None:
    policy = RetryPolicy(pause_keys=("approve",))
    again = judge(a_proposal(S.PAUSED, details={"pause_key": "approve"}), some_facts(S.RUNNING, policy=policy))
    other = judge(a_proposal(S.PAUSED, details={"pause_key": "publish"}), some_facts(S.RUNNING, policy=policy))
    assert isinstance(again, Keep)
    assert isinstance(other, Accept)


@pytest.mark.parametrize(
    ("is_subflow", "has_deployment", "code"),
    [(True, True, "SUBFLOW_NOT_SUSPENDED"), (False, False, "NOT_CLAIMABLE")],
)
def test_a_run_that_nobody_could_resume_is_not_suspended(is_subflow: bool, has_deployment: bool, code: str) -> None:
    facts = some_facts(S.RUNNING, is_subflow=is_subflow, has_deployment=has_deployment)
    verdict = judge(a_proposal(S.PAUSED, "Suspended", details={"pause_reschedule": True}), facts)
    assert isinstance(verdict, Abort)
    assert verdict.code == code


@pytest.mark.parametrize(("seconds", "expected"), [(-1, Replace), (0, Replace), (1, Accept)])
def test_a_pause_that_timed_out_fails_the_run(seconds: int, expected: type[Verdict]) -> None:
    expires_at = NOW + datetime.timedelta(seconds=seconds)
    facts = some_facts(S.PAUSED, details={"pause_expires_at": expires_at.isoformat()})
    verdict = judge(a_proposal(S.RUNNING), facts)
    assert isinstance(verdict, expected)
    if isinstance(verdict, Replace):
        assert verdict.states[0].type is S.FAILED
        assert verdict.states[0].details["reason"] == "PAUSE_EXPIRED"


@pytest.mark.parametrize(
    ("limit", "strategy", "expected"),
    [
        (LimitFacts("deployment:x", 2, 1), 0, Accept),
        (LimitFacts("deployment:x", 2, 2), 0, "AwaitingConcurrencySlot"),
        (LimitFacts("deployment:x", 2, 2), 1, "AwaitingConcurrencySlot"),
        (LimitFacts("deployment:x", 2, 2), 2, "Cancelled"),
        (LimitFacts("deployment:x", 0, 0), 0, Abort),
    ],
)
def test_a_run_starts_only_with_a_slot(limit: LimitFacts, strategy: int, expected: Any) -> None:
    facts = some_facts(S.SCHEDULED, limits=(limit,), concurrency_strategy=strategy)
    verdict = judge(a_proposal(S.PENDING, token=None), facts)
    if isinstance(expected, str):
        assert isinstance(verdict, Replace)
        assert verdict.states[0].name == expected
    else:
        assert isinstance(verdict, expected)


def test_a_run_that_waits_for_a_slot_goes_on_waiting_without_a_new_state() -> None:
    facts = some_facts(S.SCHEDULED, name="AwaitingConcurrencySlot", limits=(LimitFacts("x", 1, 1),))
    assert isinstance(judge(a_proposal(S.PENDING, token=None), facts), Keep)


@pytest.mark.parametrize(
    ("policy", "used", "details", "expected"),
    [
        (RetryPolicy(retries=2), 0, {}, "RETRY_IN_PROCESS"),
        (RetryPolicy(retries=2), 1, {}, "RETRY_IN_PROCESS"),
        (RetryPolicy(retries=2), 2, {}, None),
        (RetryPolicy(retries=2, kind=RetryKind.RESCHEDULE), 0, {}, "RETRY_RESCHEDULED"),
        (RetryPolicy(retries=2), 0, {"retriable": False}, None),
        (RetryPolicy(), 0, {}, None),
    ],
)
def test_a_failure_is_retried_by_its_policy(
    policy: RetryPolicy, used: int, details: dict[str, Any], expected: str | None
) -> None:
    facts = some_facts(S.RUNNING, policy=policy, progress={"retries_used": used})
    verdict = judge(a_proposal(S.FAILED, details=details), facts)
    if expected is None:
        assert isinstance(verdict, Accept)
    else:
        assert isinstance(verdict, Replace)
        assert verdict.code == "RETRY_SCHEDULED"
        assert verdict.states[0].details["reason"] == expected
        assert verdict.states[0].keeps_attempt is (expected == "RETRY_IN_PROCESS")


@pytest.mark.parametrize(("used", "chance", "seconds"), [(0, 0.0, 5), (1, 0.0, 10), (2, 0.0, 10), (0, 1.0, 7.5)])
def test_a_retry_waits_as_its_policy_says(used: int, chance: float, seconds: float) -> None:
    policy = RetryPolicy(retries=9, delay_seconds=(5, 10), jitter_factor=0.5)
    facts = some_facts(S.RUNNING, policy=policy, progress={"retries_used": used})
    verdict = judge(dataclasses.replace(a_proposal(S.FAILED), chance=chance), facts)
    assert isinstance(verdict, Replace)
    assert verdict.states[0].scheduled_at == NOW + datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (some_facts(S.RUNNING, policy=RetryPolicy(infrastructure_retries=1)), [S.CRASHED, S.SCHEDULED]),
        (some_facts(S.PENDING, policy=RetryPolicy(infrastructure_retries=1)), [S.CRASHED, S.SCHEDULED]),
        (some_facts(S.RUNNING), [S.CRASHED]),
        (
            some_facts(S.RUNNING, policy=RetryPolicy(infrastructure_retries=1), has_deployment=False),
            [S.CRASHED],
        ),
        (
            some_facts(
                S.RUNNING,
                policy=RetryPolicy(infrastructure_retries=1),
                progress={"infrastructure_retries_used": 1},
            ),
            [S.CRASHED],
        ),
        (some_facts(S.SCHEDULED, name="AwaitingRetry", held=True), [S.SCHEDULED]),
    ],
)
def test_a_crash_is_retried_by_its_policy(facts: FlowRunFacts, expected: list[StateType]) -> None:
    verdict = judge(a_proposal(S.CRASHED, actor=Actor.SERVER), facts)
    if isinstance(verdict, Accept):
        assert expected == [verdict.state.type]
    else:
        assert isinstance(verdict, Replace)
        assert [state.type for state in verdict.states] == expected


def test_every_rule_says_what_it_is_about() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.text.endswith(".") and rule.moves for rule in RULES)


details = st.fixed_dictionaries(
    {},
    optional={
        "pause_key": st.sampled_from(["a", "b"]),
        "pause_reschedule": st.booleans(),
        "retriable": st.booleans(),
    },
)
policies = st.builds(
    RetryPolicy,
    retries=st.integers(0, 2),
    delay_seconds=st.lists(st.floats(0, 100), max_size=2).map(tuple),
    infrastructure_retries=st.integers(0, 2),
    kind=st.sampled_from([None, RetryKind.IN_PROCESS, RetryKind.RESCHEDULE]),
    pause_keys=st.sampled_from([(), ("a",)]),
)


@given(
    before=st.sampled_from(StateType),
    after=st.sampled_from(StateType),
    name=st.sampled_from(["", "Late", "Other"]),
    held=st.booleans(),
    token=st.sampled_from([None, TOKEN, OTHER_TOKEN]),
    actor=st.sampled_from(Actor),
    force=st.booleans(),
    policy=policies,
    proposed=details,
    due_in=st.floats(-100, 100),
    limits=st.lists(st.builds(LimitFacts, st.just("x"), st.integers(0, 2), st.integers(0, 3)), max_size=2).map(tuple),
    has_deployment=st.booleans(),
    used=st.integers(0, 3),
)
def test_whatever_is_proposed_the_stored_path_is_legal_and_bounded(
    before: StateType,
    after: StateType,
    name: str,
    held: bool,
    token: uuid.UUID | None,
    actor: Actor,
    force: bool,
    policy: RetryPolicy,
    proposed: dict[str, Any],
    due_in: float,
    limits: tuple[LimitFacts, ...],
    has_deployment: bool,
    used: int,
) -> None:
    facts = some_facts(
        before,
        held=held and before not in FINAL,
        policy=policy,
        due_in=due_in,
        limits=limits,
        has_deployment=has_deployment,
        progress={"retries_used": used, "infrastructure_retries_used": used},
    )
    proposal = a_proposal(after, name, token=token, actor=actor, force=force, details=proposed)
    verdict = judge(proposal, facts)
    stored = verdict.states if isinstance(verdict, Replace) else ()
    if isinstance(verdict, Accept):
        stored = (verdict.state,)
    progress = facts.progress
    for state in stored:
        if not force:
            assert state.type in LEGAL[progress.type]
        was = progress
        progress = enter(progress, state, facts.now)
        assert progress.attempt >= was.attempt
        assert progress.run_count >= was.run_count
        assert progress.is_held is False or progress.type not in FINAL
        if not force and was.type not in FINAL:
            assert progress.retries_used <= max(policy.retries, used)
            assert progress.infrastructure_retries_used <= max(policy.infrastructure_retries, used)
    if isinstance(verdict, Wait):
        assert verdict.delay_seconds > 0


def test_only_a_run_that_others_can_claim_gives_its_process_up() -> None:
    asleep = a_proposal(S.SCHEDULED, "Sleeping", details={"reason": "SLEEPING", "pause_key": "sleep-0"})
    assert isinstance(judge(asleep, some_facts(S.RUNNING)), Accept)
    verdict = judge(asleep, some_facts(S.RUNNING, has_deployment=False))
    assert isinstance(verdict, Abort)
    assert verdict.code == "NOT_CLAIMABLE"


def test_a_run_is_not_suspended_for_what_is_there() -> None:
    details = {"pause_key": "event-0", "pause_reschedule": True, "run_input_keyset": {"awaited": "event-0"}}
    waiting = a_proposal(S.PAUSED, "AwaitingEvent", details=details)
    assert isinstance(judge(waiting, some_facts(S.RUNNING)), Accept)
    verdict = judge(waiting, some_facts(S.RUNNING, has_awaited_input=True))
    assert isinstance(verdict, Replace)
    assert [state.name for state in verdict.states] == ["Resuming"]


def test_a_run_that_waits_for_an_input_does_not_fail_when_its_time_is_over() -> None:
    details = {
        "pause_reschedule": True,
        "run_input_keyset": {"awaited": "event-0"},
        "pause_expires_at": (NOW - datetime.timedelta(seconds=1)).isoformat(),
    }
    facts = some_facts(S.PAUSED, details=details, held=False)
    assert isinstance(judge(a_proposal(S.SCHEDULED, "Resuming", actor=Actor.SERVER, token=None), facts), Accept)
