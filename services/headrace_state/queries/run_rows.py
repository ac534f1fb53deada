"""Rows of flow runs to facts, and back."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from headrace_state.repository.flow_runs import NewFlowRun, Step
from headrace_state.rules.facts import Answer, FlowRunFacts, Progress, State
from headrace_state.rules.policies import policy_from_json, policy_to_json
from headrace_state.rules.progress import begin, complete
from headrace_state.rules.rows import Row
from headrace_state.rules.states import LATE, StateType

ATTEMPT_HOLDER = "flow-run"
"""Kind of holder of the leases of attempts."""

ANSWERS_KEPT = 8
"""Answers to proposals that a run's row keeps; older ones stand in history."""


def state_of(row: Row) -> State:
    """Return the current state of a run out of its row."""
    return State(
        state_id=row["state_id"],
        type=StateType(row["state_type"]),
        name=row["state_name"],
        message=row["state_message"],
        at=row["state_at"],
        version=row["state_version"],
        details=row["state_details"] or {},
        result=row["state_result"],
    )


def progress_of(row: Row) -> Progress:
    """Return how far a run has come."""
    return Progress(
        type=StateType(row["state_type"]),
        name=row["state_name"],
        at=row["state_at"],
        policy=policy_from_json(row["retry_policy"]),
        attempt=row["attempt"],
        is_held=row["lease_id"] is not None,
        run_count=row["run_count"],
        retries_used=row["retries_used"],
        infrastructure_retries_used=row["infrastructure_retries_used"],
        run_seconds=row["run_seconds"],
        start_delay_seconds=row["start_delay_seconds"],
        expected_start_at=row["expected_start_at"],
        next_scheduled_start_at=row["next_scheduled_start_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        pause_key=_pause_key(row),
    )


def _pause_key(row: Row) -> str:
    if row["state_type"] != StateType.PAUSED:
        return ""
    return str((row["state_details"] or {}).get("pause_key") or "")


def progress_columns(progress: Progress) -> dict[str, Any]:
    """Return the columns that progress stands in."""
    return {
        "retry_policy": policy_to_json(progress.policy),
        "attempt": progress.attempt,
        "run_count": progress.run_count,
        "retries_used": progress.retries_used,
        "infrastructure_retries_used": progress.infrastructure_retries_used,
        "run_seconds": progress.run_seconds,
        "start_delay_seconds": progress.start_delay_seconds,
        "expected_start_at": progress.expected_start_at,
        "next_scheduled_start_at": progress.next_scheduled_start_at,
        "started_at": progress.started_at,
        "ended_at": progress.ended_at,
    }


def facts_of(row: Row, answer: Answer | None = None) -> FlowRunFacts:
    """Return the facts in a locked row that says what time it is.

    Args:
        row: Columns of `flow_run`, and `now`.
        answer: What was answered to the same proposal before.
    """
    return FlowRunFacts(
        # A clock that was read before a lock was waited for must not go behind the state that was waited for.
        now=max(row["now"], row["state_at"]),
        flow_run_id=row["flow_run_id"],
        state=state_of(row),
        progress=progress_of(row),
        attempt_token=row["attempt_token"],
        has_deployment=row["deployment_id"] is not None,
        has_work_pool=row["work_pool_id"] is not None,
        is_subflow=row["parent_flow_run_id"] is not None or row["parent_task_run_id"] is not None,
        lease_id=row["lease_id"],
        worker_name=row["worker_name"],
        concurrency_strategy=row["concurrency_strategy"],
        answer=answer,
    )


def remember(answers: Sequence[dict[str, Any]], step: Step, version: int) -> list[dict[str, Any]]:
    """Return the last answers that a run's row keeps, with that of one more step."""
    if step.proposal_id is None:
        return list(answers)
    last = {"proposal": str(step.proposal_id), "version": version}
    if step.code:
        last |= {"code": step.code, "reason": step.reason}
    return [*answers, last][-ANSWERS_KEPT:]


def answer_of(transition: Row) -> Answer:
    """Return the answer that a row of history stands for."""
    state = State(
        state_id=transition["state_id"],
        type=StateType(transition["state_type"]),
        name=transition["state_name"],
        message=transition["message"],
        at=transition["occurred_at"],
        version=transition["version"],
        details=transition["details"] or {},
        result=transition["result"],
    )
    stored = transition["answer"] or {}
    return Answer(state, stored.get("code", ""), stored.get("reason", ""))


def due_row(run: Row) -> dict[str, Any]:
    """Return the row of the queue for a run that is SCHEDULED."""
    due_at: datetime.datetime = run["next_scheduled_start_at"]
    lateness = run["maximum_lateness_seconds"]
    # Who was started once is not skipped for being late again.
    expires_at = due_at + datetime.timedelta(seconds=lateness) if lateness is not None and not run["attempt"] else None
    return {
        "flow_run_id": run["flow_run_id"],
        "workspace_id": run["workspace_id"],
        "due_at": due_at,
        "expires_at": expires_at,
        "work_pool_id": run["work_pool_id"],
        "work_queue_id": run["work_queue_id"],
        "deployment_id": run["deployment_id"],
        "limits": run["limits"],
        "worker_labels": run["worker_labels"],
        "concurrency_strategy": run["concurrency_strategy"],
        "is_late": run["state_name"] == LATE,
    }


def lease_row(
    run: Row, lease_id: uuid.UUID, token: uuid.UUID, since: datetime.datetime, seconds: float
) -> dict[str, Any]:
    """Return the row of the lease under which an attempt holds a run."""
    return {
        "lease_id": lease_id,
        "workspace_id": run["workspace_id"],
        "holder_kind": ATTEMPT_HOLDER,
        "holder_id": str(run["flow_run_id"]),
        "flow_run_id": run["flow_run_id"],
        "token": token,
        "limits": run["limits"],
        "since": since,
        "duration_seconds": seconds,
        "expires_at": since + datetime.timedelta(seconds=seconds),
    }


def history_row(run: Row, *, proposal_id: uuid.UUID | None = None, code: str = "", reason: str = "") -> dict[str, Any]:
    """Return the row of history for the state that a run has just entered."""
    return {
        "run_id": run["flow_run_id"],
        "version": run["state_version"],
        "occurred_at": run["state_at"],
        "workspace_id": run["workspace_id"],
        "flow_run_id": run["flow_run_id"],
        "attempt": run["attempt"],
        "state_id": run["state_id"],
        "state_type": run["state_type"],
        "state_name": run["state_name"],
        "message": run["state_message"],
        "details": run["state_details"] or None,
        "result": run["state_result"],
        "proposal_id": proposal_id,
        "answer": {"code": code, "reason": reason} if code else None,
    }


def new_run(
    new: NewFlowRun, workspace_id: uuid.UUID, root_flow_run_id: uuid.UUID, now: datetime.datetime
) -> dict[str, Any]:
    """Return the row of a run that is created now."""
    progress = begin(new.state, new.policy, now)
    state = complete(progress, new.state, progress)
    run = {
        **_NEW_RUN,
        "flow_run_id": new.flow_run_id,
        "workspace_id": workspace_id,
        "flow_id": new.flow_id,
        "flow_name": new.flow_name,
        "name": new.name,
        "root_flow_run_id": root_flow_run_id,
        "state_id": new.state_id,
        "state_type": new.state.type.value,
        "state_name": new.state.name,
        "state_message": new.state.message,
        "state_at": now,
        "state_version": 1,
        "state_details": dict(state.details),
        "state_result": new.state.result,
        "answers": [{"proposal": str(new.state_id), "version": 1}],
        "created_at": now,
        "updated_at": now,
        **progress_columns(progress),
        **new.columns,
    }
    if new.attempt is not None:
        run["attempt_token"] = new.attempt.token
        run["lease_id"] = new.attempt.lease_id
        run["worker_id"] = new.attempt.worker_id
        run["worker_name"] = new.attempt.worker_name
    return run


_NEW_RUN: dict[str, Any] = {
    "deployment_id": None,
    "deployment_name": "",
    "deployment_version_id": None,
    "flow_version": "",
    "work_pool_id": None,
    "work_pool_name": "",
    "work_queue_id": None,
    "work_queue_name": "",
    "worker_id": "",
    "worker_name": "",
    "tags": [],
    "labels": {},
    "notes": "",
    "parent_task_run_id": None,
    "parent_flow_run_id": None,
    "idempotency_key": None,
    "creator_kind": "",
    "creator_id": "",
    "creator_name": "",
    "auto_scheduled": False,
    "attempt_token": None,
    "lease_id": None,
    "limits": [],
    "concurrency_strategy": 0,
    "maximum_lateness_seconds": None,
    "worker_labels": {},
    "infrastructure_id": "",
}


def as_json(rows: list[dict[str, Any]]) -> str:
    """Return rows as one JSON parameter, which Postgres turns back into typed rows."""
    return orjson.dumps(rows, default=_id_text).decode()


def _id_text(value: object) -> str:
    # The driver's ids are a type of their own, which orjson does not know.
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
