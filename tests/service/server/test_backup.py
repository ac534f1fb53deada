"""What the server keeps, as one file and back: into the same database and into another one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import stat
import urllib.parse
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from headrace import errors
from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc
from headrace_harness.builders import a_run
from headrace_harness.postgres import with_database
from headrace_harness.stack import Stack, running_stack
from headrace_migrations import run
from headrace_migrations.inspection import revisions
from headrace_migrations.shared_tables import SERVICES
from headrace_server.postgres import dumping


async def content(url: str) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and a digest of them."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            """
            select pg_class.oid::regclass::text as name
              from pg_class
             where relnamespace::regnamespace::text = any ($1)
               and relkind = 'r'
            """,
            [*SERVICES, run.VERSION_SCHEMA],
        )
        found = {}
        for table in tables:
            name = table["name"]
            digest = "md5(coalesce(string_agg(t::text, ',' order by t::text), ''))"
            row = await connection.fetchrow(f"select count(*) as rows, {digest} as digest from {name} t")
            assert row is not None
            found[name] = (row["rows"], row["digest"])
        return found
    finally:
        await connection.close()


async def rules(url: str) -> list[tuple[str, str, str]]:
    """Return what each schema grants and hides."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            """
            select pg_class.oid::regclass::text as name,
                   relowner::regrole::text || coalesce(relacl::text, '') as owner,
                   relrowsecurity::text || relforcerowsecurity::text || coalesce(polname, '') as policy
              from pg_class
              left join pg_policy on polrelid = pg_class.oid
             where relnamespace::regnamespace::text = any ($1)
             order by 1
            """,
            list(SERVICES),
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def fill(stack: Stack) -> str:
    """Let a server keep things of several kinds; returns the id of a run."""
    made = await a_run().of("kept").tagged("a").given(number=1, text="zwölf\n").completed().build(stack)
    await stack.http.put("/v1/variables/kept", json={"value": {"a": [1, None]}})
    written = await stack.http.post(
        "/v1/logs", json={"records": [{"message": "a line", "level": 20, "flow_run_id": made.flow_run_id}]}
    )
    assert written.status_code == 200, written.text
    return str(made.flow_run_id)


async def test_a_backup_is_restored_whole(database_url: str, empty_database_url: str, tmp_path: pathlib.Path) -> None:
    async with running_stack(database_url) as stack:
        run_id = await fill(stack)
    file = tmp_path / "headrace.dump"
    assert await dumping.backup(database_url, file) == revisions()[-1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [file.name]
    before, rules_before = await content(database_url), await rules(database_url)
    assert sum(rows for rows, _ in before.values()) > 10
    # Into a database where there is nothing.
    assert await dumping.restore(empty_database_url, file) == revisions()[-1]
    assert await content(empty_database_url) == before
    assert await rules(empty_database_url) == rules_before
    # Into the one that it is of, which has gone on meanwhile.
    async with running_stack(database_url) as stack:
        later = await a_run().of("later").completed().build(stack)
        with pytest.raises(errors.FailedPrecondition) as refused:
            await dumping.restore(database_url, file)
        assert refused.value.reason == "DATABASE_IN_USE"
    await dumping.restore(database_url, file)
    assert await content(database_url) == before
    for url in (database_url, empty_database_url):
        async with running_stack(url) as stack:
            runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
            found = await runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=run_id))
            assert dict(found.flow_run.parameters) == {"number": 1, "text": "zwölf\n"}
            assert (await stack.http.get(f"/v1/flow-runs/{later.flow_run_id}")).status_code == 404
            await a_run().of("goes on").completed().build(stack)


async def test_a_file_that_is_not_whole_changes_nothing(database_url: str, tmp_path: pathlib.Path) -> None:
    async with running_stack(database_url) as stack:
        await fill(stack)
    file, half = tmp_path / "whole", tmp_path / "half"
    await dumping.backup(database_url, file)
    before = await content(database_url)
    shutil.copy(file, half)
    with half.open("r+b") as opened:
        opened.truncate(file.stat().st_size * 3 // 4)
    (tmp_path / "other").write_text("no backup at all")
    for path in (half, tmp_path / "other"):
        with pytest.raises(errors.FailedPrecondition):
            await dumping.restore(database_url, path)
        assert await content(database_url) == before


async def test_what_is_not_of_headrace_is_not_backed_up(empty_database_url: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.FailedPrecondition) as refused:
        await dumping.backup(empty_database_url, tmp_path / "file")
    assert refused.value.reason == "DATABASE_EMPTY"
    assert os.listdir(tmp_path) == []


async def test_a_user_who_is_no_superuser_restores_and_backs_up(
    postgres_url: str, database_url: str, tmp_path: pathlib.Path
) -> None:
    async with running_stack(database_url) as stack:
        run_id = await fill(stack)
    file, again = tmp_path / "headrace.dump", tmp_path / "again.dump"
    await dumping.backup(database_url, file)
    before = await content(database_url)
    async with a_plain_owner(postgres_url) as url:
        # Whoever migrated the other database is nobody here.
        await dumping.restore(url, file)
        assert await content_as(postgres_url, url) == before
        async with running_stack(url) as stack:
            runs = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
            found = await runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=run_id))
            assert dict(found.flow_run.parameters) == {"number": 1, "text": "zwölf\n"}
            await a_run().of("goes on").completed().build(stack)
        # And what it backs up itself.
        await dumping.backup(url, again)
        kept = await content_as(postgres_url, url)
        assert kept != before
        await dumping.restore(url, again)
        assert await content_as(postgres_url, url) == kept


def test_only_what_is_of_strangers_is_left_out() -> None:
    ours = [
        "ALTER SCHEMA state OWNER TO headrace_state;",
        "GRANT USAGE ON SCHEMA headrace TO headrace_log;",
        "REVOKE ALL ON FUNCTION state.f(a text, b text) FROM PUBLIC;",
        "ALTER TABLE ONLY state.flow_run FORCE ROW LEVEL SECURITY;",
        "CREATE TABLE state.a (",
        "    b text DEFAULT 'ALTER TABLE x OWNER TO y;'",
    ]
    strange = [
        "ALTER SCHEMA headrace OWNER TO dba;",
        'ALTER TABLE identity.audit_entry OWNER TO "the admin";',
        "GRANT ALL ON TABLE identity.audit_entry TO rdsadmin WITH GRANT OPTION;",
        "REVOKE ALL ON SCHEMA headrace FROM postgres;",
    ]
    given = "\n".join([*strange, *ours, *strange])
    assert dumping.without_strangers(given).splitlines() == ours


@contextlib.asynccontextmanager
async def a_plain_owner(postgres_url: str) -> AsyncIterator[str]:
    """Lend the URL of an empty database of a user as managed Postgres gives one: it may make roles and no more."""
    name, user = f"test_{uuid.uuid4().hex}", f"owner_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f'create role "{user}" login createrole')
        for service in SERVICES:
            # Other databases of this cluster have made them.
            await admin.execute(f'grant headrace_{service} to "{user}"')
        await admin.execute(f'create database "{name}" owner "{user}"')
        try:
            yield with_database(postgres_url, name).replace("postgres:@", f"{user}:@", 1)
        finally:
            await admin.execute(f'drop database "{name}" with (force)')
            await admin.execute(f'drop owned by "{user}"')
            await admin.execute(f'drop role "{user}"')
    finally:
        await admin.close()


async def content_as(postgres_url: str, url: str) -> dict[str, tuple[int, str]]:
    """Return the content of a database as a superuser sees it."""
    return await content(with_database(postgres_url, urllib.parse.urlsplit(url).path[1:]))
