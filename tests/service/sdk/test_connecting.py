from __future__ import annotations

import threading

import pytest

from headrace import errors, flow
from headrace.api.v1 import flow_pb2, flow_run_pb2
from headrace.client import NotAServer, VersionSkew, connect_async, get_client, resolve
from headrace.testing import LocalRuns
from headrace_harness.servers import refusing_port
from service.sdk.counterpart import Counterpart


@flow
def nothing() -> str:
    return "done"


def test_a_configured_server_that_is_away_gives_a_clear_error_at_once(environment: pytest.MonkeyPatch) -> None:
    # Whoever tried again would do so for longer than a test may take.
    environment.setenv("HEADRACE_API_RETRY_SECONDS", "3600")
    with refusing_port() as port, pytest.raises(errors.Unavailable) as caught:
        url = f"http://127.0.0.1:{port}"
        environment.setenv("HEADRACE_API_URL", url)
        nothing()
    message = str(caught.value)
    assert url in message
    assert "headrace server start" in message
    assert "HEADRACE_API_URL" in message


def test_something_else_at_the_address_is_named(counterpart: Counterpart) -> None:
    counterpart.http_status = 404
    with pytest.raises(NotAServer, match="404"):
        nothing()


def test_something_that_speaks_otherwise_is_named(counterpart: Counterpart) -> None:
    counterpart.system = {"grpc_address": ""}
    with pytest.raises(NotAServer, match="does not speak like"):
        nothing()


def test_a_server_behind_a_proxy_that_has_lost_it_is_unreachable(counterpart: Counterpart) -> None:
    counterpart.http_status = 503
    with pytest.raises(errors.Unavailable, match="503"):
        nothing()


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ({"version": "9.0.0"}, "upgrade the client"),
        ({"version": "0.1.0", "minimum_client_version": "7.0.0"}, r"serves clients from version 7\.0\.0 on"),
    ],
)
def test_versions_that_are_too_far_apart_are_said(counterpart: Counterpart, system: dict[str, str], said: str) -> None:
    counterpart.system = system
    with pytest.raises(VersionSkew, match=said):
        nothing()


def test_json_in_either_style_is_understood(counterpart: Counterpart) -> None:
    counterpart.system = {
        "grpc_address": None,
        "grpcAddress": f":{counterpart.grpc_port}",
        "installationId": "i-1",
        "capabilities": ["record"],
    }
    client = get_client()
    assert client.server.grpc_target == f"127.0.0.1:{counterpart.grpc_port}"
    assert client.server.installation_id == "i-1"
    assert client.server.capabilities == frozenset({"record"})


def test_without_configuration_a_local_server_is_found(
    counterpart: Counterpart, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv("HEADRACE_API_URL")
    environment.setattr(resolve, "DEFAULT_API_URL", counterpart.url)
    environment.setenv("HEADRACE_EPHEMERAL_SERVER", "true")
    assert nothing() == "done"
    assert counterpart.only_flow_run().state.name == "Completed"


def test_no_server_at_all_and_none_to_be_started_says_what_to_do(environment: pytest.MonkeyPatch) -> None:
    with refusing_port() as port, pytest.raises(errors.Unavailable, match="headrace server start"):
        environment.setattr(resolve, "DEFAULT_API_URL", f"http://127.0.0.1:{port}")
        nothing()


def test_calls_carry_who_is_calling(counterpart: Counterpart, environment: pytest.MonkeyPatch) -> None:
    workspace = "00000000-0000-7000-8000-00000000abcd"
    environment.setenv("HEADRACE_API_KEY", "hr-key")
    environment.setenv("HEADRACE_WORKSPACE_ID", workspace)
    nothing()
    (metadata,) = counterpart.metadata
    assert metadata["authorization"] == "Bearer hr-key"
    assert metadata["headrace-workspace"] == workspace
    assert metadata["headrace-client-version"]


def test_a_call_is_tried_again_while_the_server_restarts(
    counterpart: Counterpart, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HEADRACE_API_RETRY_SECONDS", "10")
    client = get_client()
    nothing()
    run_id = counterpart.only_flow_run().flow_run_id
    counterpart.stop_grpc()
    threading.Timer(0.2, counterpart.start_grpc).start()
    request = flow_run_pb2.CreateFlowRunRequest(flow_run_id=run_id, flow_name="nothing")
    assert client.flow_runs.CreateFlowRun(request).created is False


def test_a_server_that_is_older_is_named_when_it_does_not_know_a_method(counterpart: Counterpart) -> None:
    client = get_client()
    with pytest.raises(errors.Unimplemented, match=r"older than this client\. Upgrade the server"):
        client.flow_runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id="x"))
    with pytest.raises(errors.Unimplemented, match="FlowService/GetFlow"):
        client.flows.GetFlow(flow_pb2.GetFlowRequest(flow_id="x"))
    with pytest.raises(errors.Unimplemented):
        list(client.flow_runs.WatchFlowRun(flow_run_pb2.WatchFlowRunRequest(flow_run_id="x")))


def test_a_client_can_be_used_from_many_threads(counterpart: Counterpart) -> None:
    client = get_client()
    assert get_client() is client
    answers: list[bool] = []

    def call() -> None:
        request = flow_run_pb2.CreateFlowRunRequest(flow_run_id="one", flow_name="nothing")
        answers.append(client.flow_runs.CreateFlowRun(request).created)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 19 + [True]


async def test_asynchronous_programs_have_a_client_of_their_own(counterpart: Counterpart) -> None:
    async with connect_async() as client:
        request = flow_run_pb2.CreateFlowRunRequest(flow_run_id="one", flow_name="nothing")
        assert (await client.flow_runs.CreateFlowRun(request)).created
        with pytest.raises(errors.Unimplemented):
            async for _ in client.flow_runs.WatchFlowRun(flow_run_pb2.WatchFlowRunRequest(flow_run_id="x")):
                pass


def test_tests_of_flows_need_no_server(environment: pytest.MonkeyPatch, runs_in_memory: LocalRuns) -> None:
    with refusing_port() as port:
        environment.setenv("HEADRACE_API_URL", f"http://127.0.0.1:{port}")
        assert nothing() == "done"
    assert len(runs_in_memory.flow_runs()) == 1
