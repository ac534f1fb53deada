"""A server that serves TLS by itself, and programs that have to believe it."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import ssl
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from cryptography import x509

from headrace_harness.certificates import Authority
from headrace_harness.machine import Machine
from headrace_harness.servers import ServerProcess, embedded_supervisor, eventually, start_embedded

FLOW = """\
import sys

from headrace import flow, task
from headrace.client import get_client
from headrace.logging import get_run_logger


@task
def double(number: int) -> int:
    return 2 * number


@flow(log_prints=True)
def doubled(count: int = 3) -> int:
    print("a line of the run")
    assert get_client().server.grpc_tls
    return sum(double.map(range(count)).result())


if __name__ == "__main__":
    if sys.argv[1:]:
        doubled.deploy("test", sys.argv[1])
    else:
        print("result", doubled())
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A server with a certificate, and the authority that signs for it."""

    authority: Authority
    folder: pathlib.Path
    port: int
    supervisor: ServerProcess

    @property
    def ca(self) -> pathlib.Path:
        return self.folder / "ca.pem"

    def show(self, serial: int, **options: bool | str) -> None:
        """Let the server show another certificate."""
        host = str(options.pop("host", "localhost"))
        issue(self.authority, self.folder, host, serial, **{name: bool(value) for name, value in options.items()})

    async def serial_seen(self) -> int:
        """Return the number of the certificate that the server shows, whoever signed it."""
        shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", self.port))
        return x509.load_pem_x509_certificate(shown.encode()).serial_number


def issue(authority: Authority, folder: pathlib.Path, host: str, serial: int, **options: bool) -> None:
    authority.issue(host, folder / "server.pem", folder / "server.key", serial=serial, **options)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that was started with a certificate of its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority.new()
    (folder / "ca.pem").write_bytes(authority.certificate)
    issue(authority, folder, "localhost", 1)
    options = ("--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.key"))
    supervisor = embedded_supervisor(folder / "home", *options)
    try:
        addresses = asyncio.run(start_embedded(supervisor))
        assert addresses.http_url.startswith("https://127.0.0.1:")
        yield Site(authority, folder, int(addresses.http_url.rpartition(":")[2]), supervisor)
    finally:
        asyncio.run(supervisor.stop())


@pytest.fixture
async def user(site: Site, tmp_path: pathlib.Path) -> AsyncIterator[Machine]:
    """A machine that knows the authority."""
    site.show(1)
    made = Machine(tmp_path, f"https://localhost:{site.port}", {"HEADRACE_API_CA_FILE": str(site.ca)})
    yield made
    await made.close()


async def test_flows_commands_and_workers_run_over_tls(user: Machine, site: Site) -> None:
    (user.folder / "doubled.py").write_text(FLOW)
    assert "result 6" in (await user.python("doubled.py")).out
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    await user.headrace("work-pool", "create", pool)
    await user.python("doubled.py", pool)
    await user.start_worker(pool)
    run = await user.start_run("doubled/test")

    async def is_completed() -> bool:
        inspected = await user.headrace("flow-run", "inspect", run, "-o", "json")
        return bool(inspected.json()["state"]["name"] == "Completed")

    await eventually(is_completed)

    async def is_logged() -> bool:
        return "a line of the run" in (await user.headrace("flow-run", "logs", run)).out

    # Lines of a run reach the log in the background.
    await eventually(is_logged)
    status = await user.headrace("server", "status", HEADRACE_HOME=str(site.supervisor.home))
    assert "is ready" in status.out


@pytest.mark.parametrize(
    ("certificate", "said", "way_out"),
    [
        ({"host": "elsewhere.example"}, "is for another name", "Use a name that is in it"),
        ({"expired": True}, "has expired", "Renew it"),
        ({"self_signed": True}, "is self-signed", "HEADRACE_API_CA_FILE"),
    ],
)
async def test_a_certificate_that_proves_nothing_is_refused(
    user: Machine, site: Site, certificate: dict[str, bool | str], said: str, way_out: str
) -> None:
    site.show(7, **certificate)
    assert await site.serial_seen() == 7, "the server takes a new certificate without a restart"
    refused = await user.headrace("flow", "ls", expect=None)
    assert refused.exit_code != 0
    told = " ".join(refused.err.split())
    assert said in told
    assert way_out in told
    assert "Traceback" not in told


async def test_an_authority_that_is_not_known_is_refused(user: Machine, site: Site) -> None:
    other = user.folder / "other.pem"
    other.write_bytes(Authority.new().certificate)
    for known in ("", str(other)):
        refused = await user.headrace("flow", "ls", expect=None, HEADRACE_API_CA_FILE=known)
        assert refused.exit_code != 0
        assert "no authority that is believed" in " ".join(refused.err.split())


async def test_what_speaks_without_tls_is_told_so(user: Machine, site: Site) -> None:
    refused = await user.headrace("flow", "ls", expect=None, HEADRACE_API_URL=f"http://localhost:{site.port}")
    assert refused.exit_code != 0
    assert "https://" in refused.err


async def test_a_broken_certificate_leaves_the_old_one_in_force(user: Machine, site: Site) -> None:
    site.show(8)
    assert await site.serial_seen() == 8
    (site.folder / "server.pem").write_text("nonsense")
    assert await site.serial_seen() == 8
    site.show(9)
    assert await site.serial_seen() == 9
