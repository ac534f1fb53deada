"""A single service as a process of its own: `headrace server start --service identity`."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import socket

import grpc.aio
import httpx
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace.api.v1 import system_pb2, system_pb2_grpc, workspace_pb2, workspace_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace_harness.servers import (
    DistributedServer,
    ServerProcess,
    distributed_parts,
    distributed_server,
    eventually,
    free_port,
    start_parts,
    stop_parts,
)
from headrace_harness.stack import LOOPBACK, connected

SERVING = health_pb2.HealthCheckResponse.SERVING


async def workspaces_of(server: DistributedServer) -> list[str]:
    stub = server.stack.stub(workspace_pb2_grpc.WorkspaceServiceStub)
    answer = await stub.ListWorkspaces(workspace_pb2.ListWorkspacesRequest())
    return [workspace.handle for workspace in answer.workspaces]


async def test_a_service_migrates_serves_and_drains(empty_database_url: str, tmp_path: pathlib.Path) -> None:
    async with distributed_server(tmp_path, empty_database_url, parts=["identity"]) as server:
        assert await workspaces_of(server) == ["default"]
        channel = server.stack.channels["identity"]
        health = health_pb2_grpc.HealthStub(channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == SERVING
        system = await system_pb2_grpc.SystemServiceStub(channel).GetSystem(system_pb2.GetSystemRequest())
        assert system.installation_id
        identity = server.parts["identity"]
        assert await identity.stop() == 0
        assert identity.output().rstrip().endswith("identity stopped.")


async def test_a_service_shows_its_metrics_on_a_port_of_their_own(database_url: str, tmp_path: pathlib.Path) -> None:
    port = free_port()
    variables = {"HEADRACE_SERVER_METRICS_PORT": str(port)}
    async with (
        distributed_server(tmp_path, database_url, parts=["identity"], **variables) as server,
        httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", trust_env=False) as http,
    ):
        assert await workspaces_of(server) == ["default"]
        answer = await http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'headrace_rpc_duration_seconds_count{code="OK",method="/headrace.api.v1.WorkspaceService' in answer.text
        assert (await http.get("/ready")).json() == {"status": "ready"}
        assert (await http.get("/health")).status_code == 200
        assert (await http.get("/v1/flow-runs")).status_code == 404
        assert (await http.post("/metrics")).status_code == 404


async def test_replicas_that_start_together_migrate_once(empty_database_url: str, tmp_path: pathlib.Path) -> None:
    replicas = {}
    for number in range(3):
        (processes, _) = distributed_parts(tmp_path / str(number), empty_database_url, parts=["identity"])
        replicas[str(number)] = processes["identity"]
    try:
        await start_parts(replicas)
    finally:
        await stop_parts(replicas)
    assert [replica.exit_code() for replica in replicas.values()] == [0, 0, 0]


async def test_a_killed_service_can_be_started_again_at_once(database_url: str, tmp_path: pathlib.Path) -> None:
    async with distributed_server(tmp_path, database_url, parts=["identity"]) as server:
        identity = server.parts["identity"]
        identity.signal(signal.SIGKILL)
        assert await identity.ended() == -signal.SIGKILL
        identity.start()

        async def answers() -> bool:
            with contextlib.suppress(grpc.aio.AioRpcError):
                return await workspaces_of(server) == ["default"]
            return False

        await eventually(answers)


async def test_calls_in_progress_are_finished_before_the_end(database_url: str, tmp_path: pathlib.Path) -> None:
    processes, addresses = distributed_parts(tmp_path, database_url, parts=["identity"])
    try:
        await start_parts(processes)
        async with connected(addresses.http_url, addresses.targets) as stack:
            health = health_pb2_grpc.HealthStub(stack.channels["identity"])
            watching = health.Watch(health_pb2.HealthCheckRequest())
            assert (await watching.read()).status == SERVING
            processes["identity"].signal(signal.SIGTERM)
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            watching.cancel()
        assert await processes["identity"].ended() == 0
    finally:
        await stop_parts(processes)


async def test_a_service_starts_before_its_neighbours(database_url: str, tmp_path: pathlib.Path) -> None:
    processes, addresses = distributed_parts(tmp_path, database_url, parts=["identity", "state"])
    state = processes["state"]
    try:
        state.start()
        await state.until_said(" on port ")
        async with open_aio_channel(addresses.targets["state"], retry_attempts=1) as channel:
            system = system_pb2_grpc.SystemServiceStub(channel)
            before = await system.GetSystem(system_pb2.GetSystemRequest())
            assert before.installation_id == ""
            processes["identity"].start()
            await processes["identity"].until_said(" on port ")

            async def knows_its_installation() -> bool:
                return bool((await system.GetSystem(system_pb2.GetSystemRequest())).installation_id)

            await eventually(knows_its_installation)
    finally:
        await stop_parts(processes)


def service(home: pathlib.Path, *arguments: str, **environment: str) -> ServerProcess:
    process = ServerProcess(home, ["start", "--service", "identity", *arguments], environment)
    process.start()
    return process


async def test_a_service_without_a_database_says_how_to_name_one(tmp_path: pathlib.Path) -> None:
    process = service(tmp_path)
    assert await process.ended() == 2
    assert "set HEADRACE_DATABASE_URL" in process.output()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody:hidden@127.0.0.1:{port}/headrace", "cannot reach Postgres at 127.0.0.1:{port}/headrace"),
        ("postgresql://nobody:hidden@127.0.0.1:port/headrace", "is not a Postgres URL"),
    ],
)
async def test_a_database_that_is_not_there_is_said_without_its_password(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    port = free_port()
    process = service(
        tmp_path, HEADRACE_DATABASE_URL=url.format(port=port), HEADRACE_SERVER_DATABASE_WAIT_SECONDS="0.5"
    )
    assert await process.ended(60) in (4, 5)
    assert words.format(port=port) in process.output()
    assert "hidden" not in process.output()


async def test_an_occupied_port_is_said_with_the_way_out(database_url: str, tmp_path: pathlib.Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = service(tmp_path, "--grpc-port", str(port), HEADRACE_DATABASE_URL=database_url)
        assert await process.ended() == 5
    assert f"cannot use port {port} on 127.0.0.1 for gRPC" in process.output()
    assert "--grpc-port" in process.output()


async def test_listening_for_everybody_needs_the_word_of_the_operator(
    database_url: str, tmp_path: pathlib.Path
) -> None:
    process = service(tmp_path, "--host", "0.0.0.0", "--grpc-port", "0", HEADRACE_DATABASE_URL=database_url)
    assert await process.ended() == 5
    assert "--insecure-no-auth" in process.output()


async def test_no_secret_stands_on_a_command_line(database_url: str, tmp_path: pathlib.Path) -> None:
    async with distributed_server(tmp_path, database_url, parts=["identity"]) as server:
        command = " ".join(psutil.Process(server.parts["identity"].pid).cmdline())
        assert database_url not in command
        assert (tmp_path / "internal-token").read_text().strip() not in command
