"""A server with several replicas of its parts behind Envoy, and a later release that takes their places."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Mapping

import headrace_migrations
from headrace_harness.edge import running_edge
from headrace_harness.servers import ServerProcess, free_port
from headrace_harness.stack import LOOPBACK
from headrace_migrations.inspection import revisions
from headrace_server.parts import ALL_PARTS, GATEWAY

NEXT_REVISION = "9999_next_release"

_NEXT_MIGRATION = '''"""What a later release adds."""

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "{revision}"
down_revision = "{previous}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("state"):
        op.execute("alter table flow_run add column next_word text not null default 'next'")
        op.execute("alter table task_run add column next_word text")
        op.execute("create index flow_run_next_word on flow_run (workspace_id, next_word)")
        op.execute("create table next_thing (thing_id uuid primary key, workspace_id uuid not null)")


def downgrade() -> None:
    with acting_as("state"):
        op.execute("drop table next_thing")
        op.execute("drop index flow_run_next_word")
        op.execute("alter table task_run drop column next_word")
        op.execute("alter table flow_run drop column next_word")
'''


class Replicas:
    """The processes of a server, several of a part.

    Args:
        home: For their homes and logs.
        database_url: An empty or migrated database.
        counts: How many there are of each part.
        variables: Further variables of all parts.
    """

    def __init__(
        self, home: pathlib.Path, database_url: str, counts: Mapping[str, int], variables: Mapping[str, str]
    ) -> None:
        self._home = home
        self._places = {part: [f"{LOOPBACK}:{free_port()}" for _ in range(counts.get(part, 1))] for part in ALL_PARTS}
        self._environment = {
            "HEADRACE_DATABASE_URL": database_url,
            "HEADRACE_SERVER_INTERNAL_TOKEN": secrets.token_hex(32),
            "HEADRACE_SERVER_ENCRYPTION_KEY": secrets.token_hex(32),
            **{
                f"HEADRACE_SERVER_{part.upper()}_ADDRESS": f"ipv4:{','.join(places)}"
                for part, places in self._places.items()
                if part != GATEWAY
            },
            **variables,
        }
        self.processes = {
            (part, number): self._process(part, number, {})
            for part, places in self._places.items()
            for number in range(len(places))
        }

    @property
    def targets(self) -> dict[str, str]:
        """Where Envoy finds the parts."""
        return {part: ",".join(places) for part, places in self._places.items()}

    def _process(self, part: str, number: int, variables: Mapping[str, str]) -> ServerProcess:
        port = self._places[part][number].rpartition(":")[2]
        option = "--port" if part == GATEWAY else "--grpc-port"
        return ServerProcess(
            self._home / f"{part}-{number}",
            ["start", "--service", part, option, port],
            {**self._environment, **variables},
        )

    async def start(self) -> None:
        """Start all that do not run, and return when they serve."""
        started = [process for process in self.processes.values() if not process.was_started]
        for process in started:
            process.start()
        for process in started:
            await process.until_said(" on port ")

    async def replace(self, part: str, number: int, variables: Mapping[str, str]) -> None:
        """Stop a replica as an orchestrator does, and start it anew, perhaps of another release."""
        old = self.processes[part, number]
        old.signal(signal.SIGTERM)
        code = await old.ended()
        assert code == 0, f"{part} ended with {code}:\n{old.output()[-3000:]}"
        new = self.processes[part, number] = self._process(part, number, variables)
        new.start()
        await new.until_said(" on port ")

    async def stop(self) -> None:
        """Stop all."""
        running = [process for process in self.processes.values() if process.was_started]
        for process in running:
            if process.exit_code() is None:
                process.signal(signal.SIGTERM)
        for process in running:
            await process.ended()


@contextlib.asynccontextmanager
async def replicated_server(
    home: pathlib.Path, database_url: str, counts: Mapping[str, int], **variables: str
) -> AsyncIterator[tuple[Replicas, str]]:
    """Lend a server with replicas behind Envoy, and the URL of its front door.

    Args:
        home: For files; it is there.
        database_url: A migrated database.
        counts: How many there are of each part; one, if not said.
        variables: Further variables of all parts.
    """
    port = free_port()
    advertised = {"HEADRACE_SERVER_ADVERTISED_GRPC_ADDRESS": f"{LOOPBACK}:{port}"}
    replicas = Replicas(home, database_url, counts, {**advertised, **variables})
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(replicas.stop)
        await replicas.start()
        await stack.enter_async_context(running_edge(home, port, replicas.targets))
        yield replicas, f"http://{LOOPBACK}:{port}"


def next_release(folder: pathlib.Path) -> dict[str, str]:
    """Make a release with one more migration in `folder`, and return the variables that run it."""
    source = pathlib.Path(headrace_migrations.__file__).parent
    copy = folder / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = _NEXT_MIGRATION.format(revision=NEXT_REVISION, previous=revisions()[-1])
    (copy / "versions" / f"{NEXT_REVISION}.py").write_text(text)
    known = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{known}" if known else str(folder)}
