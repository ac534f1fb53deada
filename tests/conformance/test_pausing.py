"""Pausing and resuming flow runs, and their inputs, over HTTP."""

from __future__ import annotations

import uuid

from headrace_harness.builders import a_run
from headrace_harness.stack import Stack

FORM = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"]}


async def test_a_run_is_paused_asks_and_is_resumed_with_an_answer(stack: Stack) -> None:
    run = await a_run().of(f"flow {uuid.uuid4().hex}").running().build(stack)
    path = f"/v1/flow-runs/{run.flow_run_id}"
    paused = (await stack.http.post(f"{path}:pause", json={"reason": "lunch", "timeout": "60s"})).json()
    assert paused["flow_run"]["state"]["type"] == "STATE_TYPE_PAUSED"
    assert paused["flow_run"]["state"]["details"]["pause_expires_at"]
    refused = await stack.http.post(f"{path}:resume", json={"run_input": {"approved": True}})
    assert refused.status_code == 400
    resumed = (await stack.http.post(f"{path}:resume", json={})).json()
    assert resumed["flow_run"]["state"]["type"] == "STATE_TYPE_RUNNING"


async def test_inputs_are_sent_waited_for_listed_and_deleted(stack: Stack) -> None:
    run = await a_run().of(f"flow {uuid.uuid4().hex}").running().build(stack)
    path = f"/v1/flow-runs/{run.flow_run_id}/inputs"
    sent = (await stack.http.post(path, json={"key": "form-schema", "value": FORM, "sender": "me"})).json()
    assert (sent["created"], sent["run_input"]["value"]) == (True, FORM)
    assert not (await stack.http.post(path, json={"key": "form-schema", "value": 1})).json().get("created", False)
    found = (await stack.http.post(f"{path}:wait", json={"key_prefix": "form", "wait_up_to": "5s"})).json()
    assert [each["key"] for each in found["run_inputs"]] == ["form-schema"]
    known = {"key_prefix": "form", "known_keys": ["form-schema"]}
    assert not (await stack.http.post(f"{path}:wait", json=known)).json().get("run_inputs")
    assert (await stack.http.get(f"{path}/form-schema")).json()["run_input"]["sender"] == "me"
    assert len((await stack.http.get(path)).json()["run_inputs"]) == 1
    assert (await stack.http.delete(f"{path}/form-schema")).status_code == 200
    assert (await stack.http.get(f"{path}/form-schema")).status_code == 404
