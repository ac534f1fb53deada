"""An upgrade is rolled out under load: the database is migrated, then replica after replica; no call fails."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import asyncpg
import pytest

from headrace.client import connect_async
from headrace.settings import Settings
from headrace_harness.cluster import Cluster
from headrace_harness.edge import ENVOY
from headrace_harness.invariants import assert_invariants
from headrace_harness.load import under_load
from headrace_harness.replicas import NEXT_REVISION, next_release, replicated_server
from headrace_harness.servers import ServerProcess, until
from headrace_migrations import run

COUNTS = {"state": 2, "scheduler": 2, "gateway": 2}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A Postgres of this test's own."""
    with Cluster.own() as made:
        yield made


if ENVOY is not None:

    async def test_no_call_fails_while_an_upgrade_is_rolled_out(cluster: Cluster, tmp_path: pathlib.Path) -> None:
        await run.upgrade(cluster.url)
        release = next_release(tmp_path / "release")
        async with (
            replicated_server(tmp_path, cluster.url, COUNTS) as (replicas, url),
            connect_async(Settings(api_url=url, api_retry_seconds=60.0)) as client,
        ):
            async with under_load(url, client, grpc_callers=2, http_callers=1) as tally:
                await until(lambda: tally.calls > 20)
                migration = ServerProcess(
                    tmp_path / "migration", ["database", "upgrade"], {"HEADRACE_DATABASE_URL": cluster.url, **release}
                )
                migration.start()
                assert await migration.ended(60) == 0, migration.output()
                assert NEXT_REVISION in migration.output()
                for part, number in list(replicas.processes):
                    if part in COUNTS:
                        before = tally.calls
                        await replicas.replace(part, number, release)
                        await until(lambda before=before: tally.calls > before + 10)
            assert sorted({fault[:300] for fault in tally.failed}) == []
        connection = await asyncpg.connect(cluster.url)
        try:
            stored = await connection.fetch(
                "select flow_run_id::text from state.flow_run where state_type = 'COMPLETED'"
            )
            assert tally.completed <= {row["flow_run_id"] for row in stored}
            await assert_invariants(connection, at_rest=True)
        finally:
            await connection.close()
