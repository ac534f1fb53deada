"""The clients in other languages, through the front door over TLS: each starts a run, follows its log and waits."""

from __future__ import annotations

import asyncio
import pathlib
import re
import shutil
import uuid
from collections.abc import AsyncIterator

import pytest

from headrace_harness.certificates import Authority
from headrace_harness.edge import ENVOY, running_edge
from headrace_harness.machine import Machine, only
from headrace_harness.postgres import empty_database_url, postgres_url
from headrace_harness.servers import DistributedServer, distributed_server, free_port

__all__ = ["empty_database_url", "postgres_url"]

CLIENTS = pathlib.Path(__file__).parents[2] / "clients"
FLOWS = pathlib.Path(__file__).parent / "flows"
RUN_SECONDS = 120.0

# Language -> what `make clients` makes, and the command that runs its example.
EXAMPLES = {
    "go": (CLIENTS / "go" / "bin" / "run", [str(CLIENTS / "go" / "bin" / "run")]),
    "typescript": (
        CLIENTS / "typescript" / "dist" / "examples" / "run.js",
        [shutil.which("node") or "node", str(CLIENTS / "typescript" / "dist" / "examples" / "run.js")],
    ),
    "java": (
        CLIENTS / "java" / "target" / "libraries",
        [
            shutil.which("java") or "java",
            "-cp",
            f"{CLIENTS}/java/target/*:{CLIENTS}/java/target/libraries/*",
            "io.headrace.examples.Run",
        ],
    ),
}
BUILT = [language for language, (made, _) in EXAMPLES.items() if made.exists()]

pytestmark = [
    pytest.mark.skipif(ENVOY is None, reason="there is no Envoy for this machine"),
    pytest.mark.skipif(not BUILT, reason="no client is built (make clients)"),
]


@pytest.fixture
async def machine(tmp_path: pathlib.Path, empty_database_url: str) -> AsyncIterator[Machine]:
    """A machine whose clients know the front door of a distributed server, and a worker with a deployment."""
    port, home, pool = free_port(), tmp_path / "server", f"pool-{uuid.uuid4().hex[:8]}"
    home.mkdir()
    authority, ca = Authority.new(), tmp_path / "ca.crt"
    ca.write_bytes(authority.certificate)
    certificate = (tmp_path / "tls.crt", tmp_path / "tls.key")
    authority.issue("localhost", *certificate, serial=2)
    variables = {
        "HEADRACE_SERVER_ADVERTISED_GRPC_ADDRESS": f"localhost:{port}",
        "HEADRACE_SERVER_ADVERTISED_GRPC_TLS": "true",
        "HEADRACE_SERVER_AUTH": "on",
    }
    async with (
        distributed_server(home, empty_database_url, **variables) as server,
        running_edge(home, port, server.targets, certificate=certificate),
    ):
        known = {
            "HEADRACE_API_CA_FILE": str(ca),
            "HEADRACE_GRPC_ADDRESS": f"localhost:{port}",
            "HEADRACE_GRPC_URL": f"https://localhost:{port}",
        }
        made = Machine(tmp_path, f"https://localhost:{port}", known)
        try:
            await sign_in(made, server)
            made.take(FLOWS / "greeter.py")
            await made.headrace("work-pool", "create", pool)
            await made.python("greeter.py", pool)
            worker = made.start_worker_now(pool)
            await worker.until_said("takes up to")
            yield made
        finally:
            await made.close()


async def sign_in(machine: Machine, server: DistributedServer) -> None:
    """Become the owner of a new server; from then on the machine has the key of a service account."""
    for part in server.parts.values():
        if found := re.search(r"hrs_[\w-]+", part.output()):
            await machine.headrace("setup", found[0], "--email", "owner@example.org")
            break
    await machine.headrace("service-account", "create", "robot", "--role", "developer")
    created = await machine.headrace("api-key", "create", "examples", "--service-account", "robot")
    machine.environment["HEADRACE_API_KEY"] = only(re.findall(r"\bhr_[\w-]+", created.out))


async def example(machine: Machine, language: str, deployment: str, **variables: str) -> tuple[int | None, str, str]:
    """Run the example of a language; return its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *EXAMPLES[language][1],
        deployment,
        env={**machine.environment, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(RUN_SECONDS):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_examples_run_a_deployment_and_follow_its_log(machine: Machine, tmp_path: pathlib.Path) -> None:
    # All in one test: the server of eight processes and its front door take longer to start than examples to run.
    for language in BUILT:
        code, out, err = await example(machine, language, "greeter/test")
        assert code == 0, f"{language}: {err}{out}"
        assert "hello from the worker" in out
        assert out.rstrip().endswith("Completed")
    for language in BUILT:
        code, out, err = await example(machine, language, "greeter/test", HEADRACE_API_KEY="")
        assert code == 1, f"{language}: {out}"
        assert "unauthenticated" in err.lower(), f"{language}: {err}"
    other = tmp_path / "other.crt"
    other.write_bytes(Authority.new("another one").certificate)
    for language in BUILT:
        code, out, err = await example(machine, language, "greeter/test", HEADRACE_API_CA_FILE=str(other))
        assert code == 1, f"{language}: {out}"
        assert "certificate" in err.lower() or "unavailable" in err.lower(), f"{language}: {err}"
