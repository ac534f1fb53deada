from __future__ import annotations

import pytest

from headrace_gateway.routes import Found, Routes, parse_template


@pytest.fixture
def routes() -> Routes[str]:
    made: Routes[str] = Routes()
    for method, template in [
        ("GET", "/v1/flow-runs"),
        ("POST", "/v1/flow-runs"),
        ("POST", "/v1/flow-runs:search"),
        ("GET", "/v1/flow-runs/{flow_run_id}"),
        ("PATCH", "/v1/flow-runs/{flow_run.flow_run_id}"),
        ("POST", "/v1/flow-runs/{flow_run_id}:cancel"),
        ("GET", "/v1/flow-runs/{flow_run_id}/states"),
        ("GET", "/v1/concurrency-limits/{name}"),
        ("GET", "/v1/deployments/by-name/{flow_name}/{deployment_name}"),
        ("GET", "/v1/deployments/{deployment_id}/schedules"),
        ("GET", "/v1/workspaces/{workspace}"),
        ("PATCH", "/v1/workspaces/{workspace.workspace_id}"),
        ("GET", "/v1/workspaces/{workspace}/members"),
    ]:
        made.add(method, parse_template(template), f"{method} {template}")
    return made


def found(routes: Routes[str], method: str, path: str) -> tuple[str | None, tuple[str, ...], str | None]:
    match = routes.find(path)
    assert isinstance(match, Found)
    return match.by_method.get(method), match.values, match.workspace


@pytest.mark.parametrize(
    ("method", "path", "target", "values"),
    [
        ("GET", "/v1/flow-runs", "GET /v1/flow-runs", ()),
        ("POST", "/v1/flow-runs:search", "POST /v1/flow-runs:search", ()),
        ("GET", "/v1/flow-runs/x", "GET /v1/flow-runs/{flow_run_id}", ("x",)),
        ("PATCH", "/v1/flow-runs/x", "PATCH /v1/flow-runs/{flow_run.flow_run_id}", ("x",)),
        ("POST", "/v1/flow-runs/x:cancel", "POST /v1/flow-runs/{flow_run_id}:cancel", ("x",)),
        ("GET", "/v1/flow-runs/x/states", "GET /v1/flow-runs/{flow_run_id}/states", ("x",)),
        # A colon belongs to the value where no verb of that name is known.
        ("GET", "/v1/concurrency-limits/tag:nightly", "GET /v1/concurrency-limits/{name}", ("tag:nightly",)),
        ("GET", "/v1/concurrency-limits/a:b:cancel", "GET /v1/concurrency-limits/{name}", ("a:b:cancel",)),
        ("POST", "/v1/flow-runs/a:b:cancel", "POST /v1/flow-runs/{flow_run_id}:cancel", ("a:b",)),
        ("GET", "/v1/concurrency-limits/a%2Fb%20%C3%A4", "GET /v1/concurrency-limits/{name}", ("a/b ä",)),
        # Literals go before variables, and a dead end is left again.
        (
            "GET",
            "/v1/deployments/by-name/f/d",
            "GET /v1/deployments/by-name/{flow_name}/{deployment_name}",
            ("f", "d"),
        ),
        ("GET", "/v1/deployments/by-name/schedules", "GET /v1/deployments/{deployment_id}/schedules", ("by-name",)),
    ],
)
def test_a_path_finds_its_route(
    routes: Routes[str], method: str, path: str, target: str, values: tuple[str, ...]
) -> None:
    assert found(routes, method, path) == (target, values, None)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/flow-runs/",
        "/v1/flow-runs//states",
        "/v1/nothing",
        "/v1",
        "/",
        "/v1/flow-runs:unknown",
        "/v1/flow-runs/x/states/y",
        "/v1/workspaces//flow-runs",
        "/v1/workspaces/a/workspaces/b/flow-runs",
        "/v2/flow-runs",
    ],
)
def test_a_path_that_nobody_has_finds_nothing(routes: Routes[str], path: str) -> None:
    assert routes.find(path) is None


def test_any_route_stands_behind_a_workspace(routes: Routes[str]) -> None:
    assert found(routes, "GET", "/v1/workspaces/team-a/flow-runs/x") == (
        "GET /v1/flow-runs/{flow_run_id}",
        ("x",),
        "team-a",
    )
    assert found(routes, "POST", "/v1/workspaces/a%20b/flow-runs:search")[2] == "a b"


def test_a_route_of_the_workspaces_themselves_goes_first(routes: Routes[str]) -> None:
    assert found(routes, "GET", "/v1/workspaces/a") == ("GET /v1/workspaces/{workspace}", ("a",), None)
    assert found(routes, "GET", "/v1/workspaces/a/members") == ("GET /v1/workspaces/{workspace}/members", ("a",), None)
    # A wrong method does not make it another route.
    assert found(routes, "POST", "/v1/workspaces/a/members")[0] is None


def test_a_path_that_is_not_utf_8_is_an_error(routes: Routes[str]) -> None:
    with pytest.raises(UnicodeDecodeError):
        routes.find("/v1/flow-runs/%FF")


def test_two_routes_for_one_path_are_an_error(routes: Routes[str]) -> None:
    with pytest.raises(ValueError, match="two routes"):
        routes.add("GET", parse_template("/v1/flow-runs/{other}"), "again")


@pytest.mark.parametrize("text", ["v1/x", "/v1/{a=**}", "/v1/{a=b/*}", "/v1/*", "/v1/x y", "/v1/{A}", "/v1/x:"])
def test_templates_of_other_forms_are_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match="template"):
        parse_template(text)
