from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import httpx
import pytest

from headrace.api.v1 import flow_run_pb2
from headrace_gateway import streams
from headrace_gateway.application import Application
from headrace_harness.front import MISSING_RUN, OTHER_RUN, RUN, Front

EVENTS = {"accept": "text/event-stream"}


async def lines(front: Front, path: str, headers: dict[str, str] | None = None) -> AsyncGenerator[str, None]:
    async with front.running.http.stream("GET", path, headers=headers or {}, timeout=20) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            yield line


def change(name: str) -> flow_run_pb2.FollowFlowRunsResponse:
    return flow_run_pb2.FollowFlowRunsResponse(flow_runs=[flow_run_pb2.FlowRun(name=name)])


async def test_a_stream_is_lines_of_json(front: Front) -> None:
    answer = await front.running.http.get(f"/v1/flow-runs/{RUN}:watch")
    assert answer.headers["content-type"] == "application/x-ndjson"
    first, second = (json.loads(line) for line in answer.text.splitlines())
    assert first["flow_run"]["flow_run_id"] == RUN
    assert second == {"task_runs": [], "caught_up": True}


async def test_a_stream_is_events_for_a_browser(front: Front) -> None:
    answer = await front.running.http.get(f"/v1/flow-runs/{RUN}:watch", headers=EVENTS)
    assert answer.headers["content-type"] == "text/event-stream"
    retry, first, second, end = answer.text.strip().split("\n\n")
    assert retry == "retry: 1000"
    assert json.loads(first.removeprefix("data: "))["flow_run"]["flow_run_id"] == RUN
    assert json.loads(second.removeprefix("data: "))["caught_up"] is True
    assert end == "event: end\ndata: {}"


async def test_an_error_at_the_start_is_an_error_in_http(front: Front) -> None:
    for headers in ({}, EVENTS):
        answer = await front.running.http.get(f"/v1/flow-runs/{MISSING_RUN}:watch", headers=headers)
        assert answer.status_code == 404
        assert answer.json()["code"] == 5


async def test_an_error_later_is_the_end_of_the_stream(front: Front) -> None:
    answer = await front.running.http.get(f"/v1/flow-runs/{OTHER_RUN}:watch")
    error = json.loads(answer.text.splitlines()[-1])["error"]
    assert (error["code"], error["details"][0]["reason"]) == (9, "FLOW_RUN_DELETED")
    answer = await front.running.http.get(f"/v1/flow-runs/{OTHER_RUN}:watch", headers=EVENTS)
    *_, status, data = answer.text.strip().splitlines()
    assert status == "event: status"
    assert json.loads(data.removeprefix("data: "))["code"] == 9


async def test_a_change_arrives_at_once_and_silence_has_signs_of_life(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(streams, "FIRST_ANSWER_SECONDS", 0.05)
    seen = lines(front, "/v1/flow-runs:follow", EVENTS)
    assert await anext(seen) == "retry: 1000"
    await anext(seen)
    assert await anext(seen) == ":"
    front.flow_runs.changes.put_nowait(change("new"))
    async with asyncio.timeout(60):
        async for line in seen:
            if line.startswith("data:"):
                assert json.loads(line[5:])["flow_runs"][0]["name"] == "new"
                break
    await seen.aclose()


async def test_a_filter_may_come_in_a_body(front: Front) -> None:
    front.flow_runs.changes.put_nowait(change("x"))
    body = {"filter": {"names": ["x"]}}
    async with front.running.http.stream("POST", "/v1/flow-runs:follow", json=body) as answer:
        line = await anext(answer.aiter_lines())
    assert json.loads(line)["heartbeat"] is False
    assert list(front.flow_runs.requests[0].filter.names) == ["x"]


async def test_a_client_that_leaves_ends_the_call(front: Front) -> None:
    front.flow_runs.changes.put_nowait(change("x"))
    async with front.running.http.stream("GET", "/v1/flow-runs:follow") as answer:
        await anext(answer.aiter_lines())
    async with asyncio.timeout(60):
        await front.flow_runs.stream_ended.wait()


async def test_streams_end_cleanly_when_the_server_stops(front: Front) -> None:
    front.flow_runs.changes.put_nowait(change("x"))
    seen = lines(front, "/v1/flow-runs:follow", EVENTS)
    for _ in range(4):
        await anext(seen)
    stopping = asyncio.create_task(front.running.gateway.stop())
    async with asyncio.timeout(60):
        rest = [line async for line in seen if line]
    await stopping
    assert rest[0] == "event: status"
    assert json.loads(rest[1].removeprefix("data: "))["details"][0]["reason"] == "SERVER_STOPPING"


async def test_requests_in_progress_end_before_the_server_does(front: Front) -> None:
    answer = asyncio.create_task(front.running.http.get(f"/v1/flow-runs/{RUN}"))
    async with asyncio.timeout(60):
        while not front.flow_runs.requests:  # noqa: ASYNC110
            # Every turn of the loop, so that the server stops before it has answered.
            await asyncio.sleep(0)
    await front.running.gateway.stop()
    assert (await answer).status_code == 200


async def test_a_slow_reader_holds_the_service_back(front: Front) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.running.gateway.port, limit=4096)
    writer.write(b"GET /v1/logs:follow?filter.text=5000 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    # 50 MB are not pushed into buffers: what was sent stops to grow while nobody reads.
    before = -1
    async with asyncio.timeout(60):
        while front.logs.sent != before:
            before = front.logs.sent
            await asyncio.sleep(0.3)
    assert before < 4000
    writer.close()


async def test_there_is_a_bound_of_streams(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    front.flow_runs.changes.put_nowait(change("x"))
    application = front.running.gateway._server._application
    assert isinstance(application, Application)
    monkeypatch.setattr(application._api._streams, "_limit", 1)
    async with front.running.http.stream("GET", "/v1/flow-runs:follow") as answer:
        await anext(answer.aiter_lines())
        refused = await front.running.http.get("/v1/flow-runs:follow")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "5"


async def test_a_document_is_sent_as_it_is_with_its_name(front: Front) -> None:
    answer = await front.running.http.get("/v1/logs:download", params={"filter.text": "3"})
    assert answer.text == "part 0\npart 1\npart 2\n"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == 'attachment; filename="parts.txt"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    refused = await front.running.http.get("/v1/logs:download")
    assert refused.status_code == 400


async def test_a_document_that_breaks_off_is_not_taken_for_a_whole_one(front: Front) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await front.running.http.get("/v1/logs:download", params={"filter.text": "3 and break off"})
