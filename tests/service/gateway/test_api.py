from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from headrace_gateway import operations
from headrace_gateway.files import Files
from headrace_harness.front import MISSING_RUN, OTHER_RUN, RUN, Front

WORKSPACE = "019ab000-0000-7000-8000-0000000000aa"


def reason(body: dict[str, Any]) -> str:
    """The reason in the one ErrorInfo of a status."""
    infos = [detail for detail in body["details"] if detail["@type"].endswith("google.rpc.ErrorInfo")]
    assert len(infos) == 1
    assert infos[0]["domain"] == "headrace"
    return str(infos[0]["reason"])


def wrong_fields(body: dict[str, Any]) -> list[str]:
    [bad] = [detail for detail in body["details"] if detail["@type"].endswith("google.rpc.BadRequest")]
    return [violation["field"] for violation in bad["field_violations"]]


async def test_a_run_is_read_by_its_id(front: Front) -> None:
    answer = await front.running.http.get(f"/v1/flow-runs/{RUN}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    run = answer.json()["flow_run"]
    assert run["flow_run_id"] == RUN
    assert run["tags"] == []
    assert run["auto_scheduled"] is False
    assert "state" not in run


async def test_reads_that_come_together_are_one_call(front: Front) -> None:
    ids = [f"019ab000-0000-7000-8000-{index:012d}" for index in range(40)]
    answers = await asyncio.gather(*(front.running.http.get(f"/v1/flow-runs/{key}") for key in ids))
    assert [answer.json()["flow_run"]["flow_run_id"] for answer in answers] == ids
    assert sorted(key for batch in front.flow_runs.batches for key in batch) == sorted(ids)
    assert len(front.flow_runs.batches) < len(ids)
    assert front.flow_runs.singles == []


async def test_a_missing_run_has_the_answer_of_the_service_and_spoils_no_other(front: Front) -> None:
    missing, malformed, there = await asyncio.gather(
        front.running.http.get(f"/v1/flow-runs/{MISSING_RUN}"),
        front.running.http.get("/v1/flow-runs/not-an-id"),
        front.running.http.get(f"/v1/flow-runs/{RUN}"),
    )
    assert missing.status_code == 404
    assert missing.json()["code"] == 5
    assert reason(missing.json()) == "FLOW_RUN_NOT_FOUND"
    assert malformed.status_code == 400
    assert wrong_fields(malformed.json()) == ["flow_run_id"]
    assert there.status_code == 200


async def test_reads_of_different_callers_are_never_joined(front: Front) -> None:
    await asyncio.gather(
        *(
            front.running.http.get(f"/v1/flow-runs/{RUN}", headers={"authorization": f"Bearer {name}"})
            for name in ("a", "b", "a", "b")
        ),
        front.running.http.get(f"/v1/workspaces/{WORKSPACE}/flow-runs/{RUN}"),
    )
    seen = {
        (metadata.get("authorization"), workspace)
        for metadata, workspace in zip(front.flow_runs.metadata, front.flow_runs.workspaces, strict=True)
    }
    default = "00000000-0000-7000-8000-000000000001"
    assert seen == {("Bearer a", default), ("Bearer b", default), (None, WORKSPACE)}


async def test_the_address_fills_the_request(front: Front) -> None:
    answer = await front.running.http.get(
        "/v1/flow-runs?filter.state_types=STATE_TYPE_RUNNING&filter.state_types=STATE_TYPE_FAILED"
        "&filter.tags_all=a%20b&page_size=7&page_token=abc"
    )
    assert answer.json() == {"flow_runs": [], "next_page_token": "abc"}
    [request] = front.flow_runs.requests
    assert list(request.filter.state_types) == [3, 8]
    assert list(request.filter.tags_all) == ["a b"]
    assert request.page_size == 7


async def test_an_additional_form_takes_a_body(front: Front) -> None:
    body = {"filter": {"labels": {"team": "x"}, "stateTypes": ["STATE_TYPE_RUNNING"]}, "page_size": "3"}
    assert (await front.running.http.post("/v1/flow-runs:search", json=body)).status_code == 200
    [request] = front.flow_runs.requests
    assert request.filter.labels.fields["team"].string_value == "x"
    assert request.page_size == 3


async def test_a_variable_reaches_a_field_below_and_goes_before_the_body(front: Front) -> None:
    body = {"flow_run": {"name": "new", "flow_run_id": OTHER_RUN}, "update_mask": "name"}
    answer = await front.running.http.patch(f"/v1/flow-runs/{RUN}", json=body)
    assert answer.status_code == 200
    assert answer.json()["flow_run"]["flow_run_id"] == RUN
    [request] = front.flow_runs.requests
    assert (request.flow_run.name, list(request.update_mask.paths)) == ("new", ["name"])


async def test_a_verb_may_come_without_a_body(front: Front) -> None:
    answer = await front.running.http.post(f"/v1/flow-runs/{RUN}:cancel")
    assert answer.json()["verdict"]["accepted"]["state"]["type"] == "STATE_TYPE_CANCELLING"


async def test_names_with_colons_and_slashes_are_names(front: Front) -> None:
    for name, path in (("tag:nightly", "tag:nightly"), ("a/b", "a%2Fb"), ("ü", "%C3%BC")):
        answer = await front.running.http.get(f"/v1/concurrency-limits/{path}")
        assert answer.json()["limit"]["name"] == name


async def test_a_workspace_in_the_path_or_header_is_the_callers(front: Front) -> None:
    await front.running.http.get(f"/v1/workspaces/{WORKSPACE}/flow-runs")
    await front.running.http.get("/v1/flow-runs", headers={"headrace-workspace": WORKSPACE})
    await front.running.http.get(f"/v1/workspaces/{WORKSPACE}/flow-runs", headers={"headrace-workspace": RUN})
    assert front.flow_runs.workspaces == [WORKSPACE] * 3
    answer = await front.running.http.get("/v1/workspaces/team-a")
    assert answer.json()["workspace"]["handle"] == "team-a"


async def test_a_client_cannot_claim_to_be_a_service(front: Front) -> None:
    await front.running.http.get(
        "/v1/flow-runs",
        headers={
            "headrace-internal-token": "the internal token",
            "headrace-on-behalf-of": "workspace=x",
            "grpc-timeout": "1n",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "headrace-correlation-id": "mine",
        },
    )
    [metadata] = front.flow_runs.metadata
    assert "headrace-internal-token" not in metadata
    assert "headrace-on-behalf-of" not in metadata
    assert metadata["headrace-correlation-id"] == "mine"
    assert str(metadata["traceparent"]).startswith("00-0af7651916cd43dd")


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "why"),
    [
        ("GET", "/v1/nothing", {}, 404, "ROUTE_NOT_FOUND"),
        ("PUT", "/v1/flow-runs", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/flow-runs?nope=1", {}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/flow-runs/%FF", {}, 400, "ADDRESS_MALFORMED"),
        ("GET", "/v1/flow-runs?page_token=%FF", {}, 400, "ADDRESS_MALFORMED"),
        ("GET", "/v1/flow-runs", {"headers": {"headrace-workspace": "not-an-id"}}, 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/flow-runs", {"headers": {"authorization": b"\xff"}}, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/flow-runs:search", {"json": {"filter": {"nope": 1}}}, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/flow-runs:search", {"json": []}, 400, "INVALID_ARGUMENT"),
        (
            "POST",
            "/v1/flow-runs:search",
            {"content": b"{", "headers": {"content-type": "application/json"}},
            400,
            "BODY_NOT_JSON",
        ),
        ("POST", "/v1/flow-runs:search", {"content": b"{}"}, 400, "CONTENT_TYPE_NOT_JSON"),
        (
            "POST",
            "/v1/flow-runs:search",
            {"content": b"{}", "headers": {"content-type": "text/plain"}},
            400,
            "CONTENT_TYPE_NOT_JSON",
        ),
        ("POST", "/", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/variables/nothing", {}, 404, "NOT_FOUND"),
        ("GET", "/v1/variables/unknown-caller", {}, 401, "UNAUTHENTICATED"),
        # Nobody serves these here: the gRPC server itself answers.
        ("GET", "/v1/flows", {}, 501, "UNIMPLEMENTED"),
    ],
)
async def test_what_is_wrong_is_a_status_in_json(
    front: Front, method: str, path: str, options: dict[str, Any], status: int, why: str
) -> None:
    answer = await front.running.http.request(method, path, **options)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"code", "message", "details"}
    assert reason(answer.json()) == why
    if status == 405:
        assert answer.headers["allow"]


async def test_a_wrong_field_is_named(front: Front) -> None:
    answer = await front.running.http.post(
        "/v1/flow-runs:search", json={"filter": {"state_types": ["NOPE"]}, "page_size": -1}
    )
    assert wrong_fields(answer.json()) == ["filter.state_types[0]"]
    answer = await front.running.http.post("/v1/flow-runs:search", json={"page_size": -1})
    assert wrong_fields(answer.json()) == ["page_size"]


async def test_a_busy_server_says_when_to_come_back(front: Front) -> None:
    answer = await front.running.http.get("/v1/variables/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


async def test_a_fault_of_a_service_tells_no_secret(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    answer = await front.running.http.get("/v1/variables/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret" in caplog.text


async def test_a_body_that_is_too_large_is_refused(small_front: Any) -> None:
    async with small_front as front:
        body = json.dumps({"page_token": "x" * 100_000}).encode()
        headers = {"content-type": "application/json"}
        told = await front.running.http.post("/v1/flow-runs:search", content=body, headers=headers)

        async def parts() -> Any:
            for start in range(0, len(body), 8_000):
                yield body[start : start + 8_000]

        streamed = await front.running.http.post("/v1/flow-runs:search", content=parts(), headers=headers)
    for answer in (told, streamed):
        assert answer.status_code == 413
        assert reason(answer.json()) == "REQUEST_TOO_LARGE"


async def test_a_service_that_is_away_is_unavailable(front: Front) -> None:
    await front.running.server.stop(0)
    answer = await front.running.http.get("/v1/flow-runs")
    assert answer.status_code == 503
    assert reason(answer.json()) == "UNAVAILABLE"


async def test_head_has_no_body(front: Front) -> None:
    answer = await front.running.http.head("/v1/flow-runs")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_page_of_another_origin_is_refused(front: Front) -> None:
    answer = await front.running.http.post(
        "/v1/flow-runs:search", json={}, headers={"origin": "https://evil.example.org"}
    )
    assert (answer.status_code, reason(answer.json())) == (403, "ORIGIN_NOT_ALLOWED")
    answer = await front.running.http.get("/v1/flow-runs", headers={"host": "evil.example.org"})
    assert (answer.status_code, reason(answer.json())) == (403, "HOST_NOT_ALLOWED")
    assert front.flow_runs.requests == []


async def test_health_is_alive_and_ready_says_what_is_missing(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await front.running.http.get("/health")).json() == {"status": "alive"}
    assert (await front.running.http.get("/ready")).json() == {"status": "ready"}
    front.running.faults.append("the database does not answer")
    monkeypatch.setattr(operations, "READINESS_KEPT_SECONDS", 0.0)
    answer = await front.running.http.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "missing": ["the database does not answer"]}


async def test_the_contract_and_its_page_are_served(front: Front) -> None:
    assert (await front.running.http.get("/openapi.json")).json()["openapi"] == "3.1.0"
    page = await front.running.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for name in ("/docs.js", "/docs.css"):
        assert name in page.text
        assert (await front.running.http.get(name)).status_code == 200


async def test_metrics_are_prometheus_text(front: Front) -> None:
    await front.running.http.get("/v1/flow-runs")
    answer = await front.running.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "headrace_rpc_duration" in answer.text
    assert 'headrace_http_duration_seconds_count{code="200",method="ListFlowRuns"}' in answer.text


async def test_a_page_that_the_interface_makes_is_its_index(front: Front) -> None:
    page = await front.running.http.get("/runs/some-id", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert (await front.running.http.get("/assets/missing.js")).status_code == 404


async def test_a_server_without_the_interface_says_how_to_build_it(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front.running.gateway._server._application, "_ui", Files({}))
    page = await front.running.http.get("/", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "make ui" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
