"""What a flow run changes with its token: itself, its subflows and what it made, and nothing of others."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace_harness.members import Member, guarded_stack

RUNNING = {"type": "STATE_TYPE_RUNNING"}
OWN, CLOSED = "NOT_OWN_RUN", "NOT_FOR_RUNS"


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A run that a worker executes, and the caller that it is."""

    flow_run_id: str
    attempt_token: str
    caller: Member

    async def begin(self, **fields: Any) -> dict[str, Any]:
        """Begin a run within this one."""
        found: dict[str, Any] = await self.caller.post(
            "/v1/flow-runs", {"flow_name": "below", "state": RUNNING} | fields
        )
        return found


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def execute(worker: Member) -> Run:
    """Begin a run as a worker does, with a token of its own."""
    made = await worker.post("/v1/flow-runs", {"flow_name": "f", "state": RUNNING})
    run, attempt = made["flow_run"]["flow_run_id"], made["attempt"]["token"]
    token = (await worker.post("/v1/run-tokens", {"flow_run_id": run, "attempt_token": attempt}))["token"]
    return Run(run, attempt, Member(worker.principal_id, token, worker.stack))


def reason_of(answer: Any) -> str:
    if answer.status_code == 200:
        return ""
    return str(answer.json()["details"][0]["reason"])


def changes(run: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Return all that a run may do to its own, with another run in its place."""
    at = f"/v1/flow-runs/{run}"
    return [
        ("PATCH", at, {"flow_run": {"name": "taken"}, "update_mask": "name"}),
        ("POST", f"{at}:cancel", {}),
        ("POST", f"{at}:pause", {}),
        ("POST", f"{at}:suspend", {}),
        ("POST", f"{at}:resume", {}),
        ("POST", f"{at}:retry", {}),
        ("POST", f"{at}:propose", {"state": {"type": "STATE_TYPE_CANCELLING"}}),
        ("POST", f"{at}:propose", {"state": {"type": "STATE_TYPE_FAILED"}, "force": True}),
        ("POST", f"{at}/inputs", {"key": "pause-0-response", "value": {"approved": True}}),
        ("POST", f"{at}/inputs", {"key": f"Order-{uuid.uuid4()}", "value": 1, "replace": True}),
        ("DELETE", f"{at}/inputs/anything", None),
        ("POST", f"{at}/notes", {"text": "it was me"}),
        ("POST", "/v1/artifacts", {"artifact": {"flow_run_id": run, "key": "a", "markdown": "wrong"}}),
        ("POST", "/v1/flow-runs", {"flow_name": "f", "parent_flow_run_id": run}),
        (
            "POST",
            "/v1/asset-materializations:record",
            {"flow_run_id": run, "materializations": [{"asset": {"key": "s3://mill/flour"}}]},
        ),
    ]


async def test_a_run_changes_no_other(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    mine, other = await execute(worker), await execute(worker)
    artifact = {"artifact": {"flow_run_id": other.flow_run_id, "key": "k", "markdown": "right"}}
    of_other = (await other.caller.post("/v1/artifacts", artifact))["artifact"]["artifact_id"]
    calls = changes(other.flow_run_id)
    calls += [
        ("PATCH", f"/v1/artifacts/{of_other}", {"artifact": {"markdown": "wrong"}, "update_mask": "content"}),
        ("DELETE", f"/v1/artifacts/{of_other}", None),
    ]
    force = {"state": {"type": "STATE_TYPE_FAILED"}, "force": True, "attempt_token": mine.attempt_token}
    calls.append(("POST", f"/v1/flow-runs/{other.flow_run_id}:propose", force))
    for verb, path, body in calls:
        answer = await mine.caller.send(verb, path, body)
        assert (answer.status_code, reason_of(answer)) == (403, OWN), (path, body, answer.text)
    await owner.post("/v1/work-pools", {"work_pool": {"name": "p", "type": "process"}})
    content = {"entrypoint": "f.py:f", "work_pool_name": "p"}
    made = await owner.post("/v1/deployments", {"flow_name": "f", "name": "d", "content": content})
    run = f"/v1/deployments/{made['deployment']['deployment_id']}:run"
    assert reason_of(await mine.caller.send("POST", run, {"parent_flow_run_id": other.flow_run_id})) == OWN
    below = await mine.caller.post(run, {"parent_flow_run_id": mine.flow_run_id, "job_variables": {"env": {"A": "b"}}})
    assert below["flow_run"]["job_variables"] == {"env": {"A": "b"}}
    for path, body in (
        ("/v1/bulk-operations", {"action": {"cancel": {}}, "all_runs": True}),
        ("/v1/backfills", {"deployment_id": str(uuid.uuid4())}),
    ):
        assert reason_of(await mine.caller.send("POST", path, body)) == CLOSED
    still = (await owner.get(f"/v1/flow-runs/{other.flow_run_id}"))["flow_run"]
    assert still["state"]["type"] == "STATE_TYPE_RUNNING"
    # Others are seen, and sent messages: an answer that somebody waits for is none.
    assert (await mine.caller.get(f"/v1/flow-runs/{other.flow_run_id}"))["flow_run"]["flow_name"] == "f"
    message = {"key": f"Order-{uuid.uuid4()}", "value": {"item": "tea"}}
    await mine.caller.post(f"/v1/flow-runs/{other.flow_run_id}/inputs", message)


async def test_a_run_changes_itself_and_what_it_made(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    mine = await execute(worker)
    subflow = await mine.begin(parent_flow_run_id=mine.flow_run_id)
    within = await mine.begin(parent_flow_run_id=subflow["flow_run"]["flow_run_id"])
    apart = await mine.begin()
    assert apart["flow_run"]["creator"] == {
        "kind": "CREATOR_KIND_FLOW_RUN",
        "creator_id": mine.flow_run_id,
        "display_name": "",
    }
    below_apart = await owner.post(
        "/v1/flow-runs", {"flow_name": "f", "parent_flow_run_id": apart["flow_run"]["flow_run_id"]}
    )
    for run in (mine.flow_run_id, *(made["flow_run"]["flow_run_id"] for made in (subflow, within, apart, below_apart))):
        renamed = {"flow_run": {"name": "mine"}, "update_mask": "name"}
        assert reason_of(await mine.caller.send("PATCH", f"/v1/flow-runs/{run}", renamed)) == ""
        answer = {"key": "pause-0-response", "value": 1, "replace": True}
        await mine.caller.post(f"/v1/flow-runs/{run}/inputs", answer)
    done = {"state": {"type": "STATE_TYPE_COMPLETED"}, "attempt_token": within["attempt"]["token"]}
    ended = await mine.caller.post(f"/v1/flow-runs/{within['flow_run']['flow_run_id']}:propose", done)
    assert "accepted" in ended["verdict"]
    # What a run made does not change it.
    token = {"flow_run_id": apart["flow_run"]["flow_run_id"], "attempt_token": apart["attempt"]["token"]}
    child = Member(worker.principal_id, (await worker.post("/v1/run-tokens", token))["token"], owner.stack)
    assert reason_of(await child.send("POST", f"/v1/flow-runs/{mine.flow_run_id}:cancel", {})) == OWN


async def test_nobody_learns_the_token_of_an_attempt_by_its_run(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    mine, other = await execute(worker), await execute(worker)
    again = {"flow_name": "f", "state": RUNNING, "flow_run_id": other.flow_run_id}
    assert "attempt" not in await mine.caller.post("/v1/flow-runs", again)
    assert "attempt" not in await (await owner.make("r", "runner")).post("/v1/flow-runs", again)
    # Who made it, and lost the answer, gets it again.
    assert (await worker.post("/v1/flow-runs", again))["attempt"]["token"] == other.attempt_token


async def test_the_account_of_a_worker_can_be_allowed_to_change_other_runs(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    mine, other = await execute(worker), await execute(worker)
    cancel = f"/v1/flow-runs/{other.flow_run_id}:cancel"
    assert reason_of(await mine.caller.send("POST", cancel, {})) == OWN
    await owner.post("/v1/roles", {"handle": "keepers", "permissions": ["PERMISSION_OTHER_RUNS_EDIT"]})
    await owner.post("/v1/role-assignments", {"role": "keepers", "principal_id": worker.principal_id})
    another = await execute(worker)
    answer = await another.caller.send("POST", cancel, {})
    assert answer.status_code == 200, answer.text


async def test_a_run_waits_for_events_and_automates_nothing_else(owner: Member) -> None:
    worker = await owner.make("w", "worker")
    mine, other = await execute(worker), await execute(worker)

    def automation(owned_by: str, *actions: dict[str, Any]) -> dict[str, Any]:
        trigger = {"event": {"expect": ["order.came"]}}
        owner_id = f"headrace.flow-run.{owned_by}"
        fields = {"name": "w", "enabled": True, "trigger": trigger, "actions": actions, "owner_resource_id": owner_id}
        return {"automation": fields}

    to_mine = {"send_run_input": {"flow_run_id": mine.flow_run_id, "key": "event-0"}}
    to_other = {"send_run_input": {"flow_run_id": other.flow_run_id, "key": "pause-0-response"}}
    anybody: dict[str, Any] = {"send_run_input": {"key": "event-0"}}
    stop: dict[str, Any] = {"cancel_flow_run": {}}
    await mine.caller.post("/v1/automations", automation(mine.flow_run_id, to_mine))
    for owned_by, actions in (
        (other.flow_run_id, [to_mine]),
        (mine.flow_run_id, [to_other]),
        (mine.flow_run_id, [anybody]),
        (mine.flow_run_id, [to_mine, stop]),
        (mine.flow_run_id, [stop]),
    ):
        answer = await mine.caller.send("POST", "/v1/automations", automation(owned_by, *actions))
        assert answer.status_code == 403, (actions, answer.text)
    for field in ("actions_on_trigger", "actions_on_resolve"):
        beside = automation(mine.flow_run_id, to_mine)
        beside["automation"][field] = [stop]
        assert (await mine.caller.send("POST", "/v1/automations", beside)).status_code == 403, field
