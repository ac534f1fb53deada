"""Log records over HTTP: in, found, counted, downloaded."""

from __future__ import annotations

import json
import uuid

from headrace.ids import uuid7
from headrace_harness.builders import a_run
from headrace_harness.stack import Stack


async def test_lines_are_taken_found_counted_and_downloaded_over_http(stack: Stack) -> None:
    run = await a_run().of(f"flow {uuid.uuid4().hex}").running().build(stack)
    records = [
        {
            "log_id": str(uuid7()),
            "flow_run_id": run.flow_run_id,
            "logger": "test",
            "level": 20 + 10 * (place % 3),
            "message": f"\u001b[1mline\u001b[0m {place}",
            "occurred_at": f"2026-03-05T12:00:{place % 60:02}.{place:06}Z",
        }
        for place in range(600)
    ]
    for expected in (600, 0):
        taken = await stack.http.post("/v1/logs", json={"records": records})
        assert taken.json().get("stored", 0) == expected, taken.text
    asked = {"filter.flow_run_ids": run.flow_run_id, "filter.with_children": "true"}
    found = (await stack.http.get("/v1/logs", params={**asked, "filter.text": "599"})).json()["logs"]
    assert [each["message"] for each in found] == ["\u001b[1mline\u001b[0m 599"]
    histogram = (await stack.http.get("/v1/logs:histogram", params={**asked, "buckets": "4"})).json()
    assert histogram["width"] == "15s"
    assert [int(each["warning"]) for each in histogram["buckets"]] == [50] * 4
    document = await stack.http.get(
        "/v1/logs:download", params={**asked, "format": "LOG_FORMAT_JSON_LINES", "strip_ansi": "true"}
    )
    assert document.status_code == 200
    assert document.headers["content-type"] == "application/x-ndjson"
    assert document.headers["content-disposition"] == f'attachment; filename="log-{run.flow_run_id}.jsonl"'
    lines = [json.loads(line) for line in document.text.splitlines()]
    assert sorted(each["message"] for each in lines) == sorted(f"line {place}" for place in range(600))
    refused = await stack.http.get("/v1/logs:download")
    assert refused.status_code == 400
    assert refused.json()["code"] == 3
