"""Batches of log records that stock clients send again, because no answer reached them."""

from __future__ import annotations

import uuid

from headrace_harness.stack import Stack


async def test_a_batch_that_comes_again_is_stored_once(stack: Stack) -> None:
    run, other = str(uuid.uuid4()), str(uuid.uuid4())

    def batch(flow_run_id: str) -> list[dict[str, object]]:
        return [
            {"name": "n", "level": 20, "message": word, "timestamp": "2026-08-21T10:00:00Z", "flow_run_id": flow_run_id}
            for word in ("m0", "m1", "m2")
        ]

    for content in (batch(run), batch(run), batch(other)):
        assert (await stack.http.post("/api/logs/", json=content)).status_code == 201
    assert (await stack.http.post("/api/logs/", json=[])).status_code == 201
    for flow_run_id in (run, other):
        found = (
            await stack.http.post("/api/logs/filter", json={"logs": {"flow_run_id": {"any_": [flow_run_id]}}})
        ).json()
        assert [each["message"] for each in found] == ["m0", "m1", "m2"]
        assert {uuid.UUID(each["id"]).version for each in found} == {7}
