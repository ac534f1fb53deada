"""Tokens of runs: for whom they are made, and when they stop to work."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace import errors
from headrace_chassis.secrets import SecretBox
from headrace_harness.members import Member, guarded_stack
from headrace_harness.stack import running_stack
from headrace_identity.rules.keys import StoredKey
from headrace_identity.rules.run_tokens import GRACE_SECONDS, Attempt
from headrace_identity.usecases.run_tokens import RunTokens

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
HOLDER, HERE, RUN, ATTEMPT = (uuid.UUID(int=number) for number in range(1, 5))


class Attempts:
    def __init__(self) -> None:
        self.attempt = Attempt(is_current=True, ended_at=None)

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, attempt_token: uuid.UUID) -> Attempt:
        assert (workspace_id, flow_run_id, attempt_token) == (HERE, RUN, ATTEMPT)
        return self.attempt


class Keys:
    def __init__(self) -> None:
        self.key: StoredKey | None = StoredKey("k", HOLDER, None, b"", frozenset(), None, None, None)

    async def load_proof(self, api_key_id: str) -> StoredKey | None:
        assert api_key_id == "k"
        return self.key


class Case:
    def __init__(self) -> None:
        self.attempts, self.keys, self.box = Attempts(), Keys(), SecretBox([b"k" * 32])
        keys: Any = self.keys
        self.tokens = RunTokens(self.attempts, keys, self.box, lambda: NOW)

    async def make(self) -> str:
        return await self.tokens.create(HOLDER, HERE, "api-key:k", RUN, ATTEMPT)

    async def reason_of(self, token: str) -> str:
        try:
            assert await self.tokens.authenticate(f"Bearer {token}", "") is not None
        except errors.Unauthenticated as error:
            return error.reason
        return ""


async def test_a_token_works_until_some_time_after_the_end_of_its_attempt() -> None:
    case = Case()
    token = await case.make()
    proven = await case.tokens.authenticate(f"Bearer {token}", "")
    assert proven is not None
    assert (proven.principal_id, proven.workspace_id, proven.credential_id) == (HOLDER, HERE, f"run:{RUN}")
    assert proven.permissions is not None
    assert "PERMISSION_WORKERS_CONNECT" not in proven.permissions
    ends = datetime.timedelta(seconds=GRACE_SECONDS)
    case.attempts.attempt = Attempt(is_current=True, ended_at=NOW - ends + datetime.timedelta(seconds=1))
    assert await case.reason_of(token) == ""
    case.attempts.attempt = Attempt(is_current=True, ended_at=NOW - ends)
    assert await case.reason_of(token) == "RUN_TOKEN_ENDED"
    with pytest.raises(errors.FailedPrecondition):
        await case.make()
    case.attempts.attempt = Attempt(is_current=False, ended_at=None)
    assert await case.reason_of(token) == "RUN_TOKEN_ENDED"


async def test_a_token_ends_with_the_key_of_the_worker_and_can_no_more_than_it() -> None:
    case = Case()
    token = await case.make()
    whole = case.keys.key
    assert whole is not None
    for key in (
        None,
        StoredKey("k", HOLDER, None, b"", frozenset(), None, NOW, None),
        StoredKey("k", HOLDER, None, b"", frozenset(), NOW, None, None),
    ):
        case.keys.key = key
        assert await case.reason_of(token) == "CREDENTIAL_REFUSED"
    limited = frozenset({"PERMISSION_RUNS_VIEW", "PERMISSION_MEMBERS_EDIT"})
    case.keys.key = StoredKey("k", HOLDER, None, b"", limited, None, None, None)
    proven = await case.tokens.authenticate(f"Bearer {token}", "")
    assert proven is not None
    assert proven.permissions == frozenset({"PERMISSION_RUNS_VIEW"})


async def test_nobody_but_the_server_writes_tokens() -> None:
    case = Case()
    token = await case.make()
    others = Case()
    others.box = SecretBox([b"o" * 32])
    keys: Any = others.keys
    others.tokens = RunTokens(others.attempts, keys, others.box, lambda: NOW)
    sealed = case.box.seal(token, "another context")
    for text in (await others.make(), token[:-2], token[:-2] + "zz", "hrr_", f"hrr_{sealed}", "hrr_x" * 10):
        assert await case.reason_of(text) == "CREDENTIAL_REFUSED", text
    assert await case.tokens.authenticate("Bearer hr_1_2", "") is None
    assert await case.tokens.authenticate("", "a=b") is None


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def begin(member: Member) -> dict[str, str]:
    """Begin a run; returns what its token is made from."""
    body = {"flow_name": "f", "state": {"type": "STATE_TYPE_RUNNING"}}
    made = await member.post("/v1/flow-runs", body)
    return {"flow_run_id": made["flow_run"]["flow_run_id"], "attempt_token": made["attempt"]["token"]}


async def test_workers_get_tokens_for_attempts_that_go_on(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    run = await begin(worker)
    token = (await worker.post("/v1/run-tokens", run))["token"]
    child = Member(worker.principal_id, token, owner.stack)
    assert (await child.get(f"/v1/flow-runs/{run['flow_run_id']}"))["flow_run"]["flow_name"] == "f"
    proposal = {"attempt_token": run["attempt_token"], "state": {"type": "STATE_TYPE_COMPLETED"}}
    ended = await child.post(f"/v1/flow-runs/{run['flow_run_id']}:propose", proposal)
    assert "accepted" in ended["verdict"]
    for wrong in ({"attempt_token": str(uuid.uuid4())}, {"flow_run_id": str(uuid.uuid4())}):
        answer = await worker.send("POST", "/v1/run-tokens", run | wrong)
        assert (answer.status_code, answer.json()["details"][0]["reason"]) == (400, "ATTEMPT_NOT_CURRENT")
    elsewhere = await owner.post("/v1/workspaces", {"handle": "elsewhere"})
    stranger = await owner.make("s", "worker", workspace=elsewhere["workspace"]["workspace_id"])
    assert (await stranger.send("POST", "/v1/run-tokens", run)).status_code == 400
    viewer = await owner.make("v", "viewer")
    assert (await viewer.send("POST", "/v1/run-tokens", run)).status_code == 403


async def test_without_sign_in_there_are_none(database_url: str) -> None:
    async with running_stack(database_url) as stack:
        run = {"flow_run_id": str(RUN), "attempt_token": str(ATTEMPT)}
        answer = await stack.http.post("/v1/run-tokens", json=run)
        assert (answer.status_code, answer.json()) == (200, {"token": ""})
