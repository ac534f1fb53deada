from __future__ import annotations

import asyncio
import contextlib
import sys
import uuid

import asyncpg
import pytest

from headrace import errors
from headrace_harness.postgres import TestPostgres, with_database
from headrace_migrations import run
from headrace_migrations.shared_tables import SERVICES

# Everything that a database can hold and a fresh one does not.
OBJECTS = """
select 'schema ' || nspname
  from pg_namespace
 where nspname !~ '^pg_'
   and nspname not in ('information_schema', 'public')
union all
select 'relation ' || relnamespace::regnamespace || '.' || relname
  from pg_class
 where relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
union all
select 'function ' || oid::regprocedure
  from pg_proc
 where pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
union all
select 'type ' || typname
  from pg_type
 where typnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
union all
select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
 order by 1
"""


async def fetch(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def objects(url: str) -> list[str]:
    return [row[0] for row in await fetch(url, OBJECTS)]


def test_the_history_is_one_line_without_branches() -> None:
    revisions = asyncio.run(run.history())
    names = [revision.name for revision in revisions]
    assert names == sorted(names, reverse=True)
    assert [revision.previous for revision in revisions] == [*names[1:], None]
    assert run.head() == names[0]
    assert all(revision.summary for revision in revisions)


async def test_up_and_down_leaves_an_empty_database(empty_database_url: str) -> None:
    before = await objects(empty_database_url)
    assert await run.current(empty_database_url) is None
    assert await run.upgrade(empty_database_url) == run.head()
    assert await run.current(empty_database_url) == run.head()
    full = await objects(empty_database_url)
    assert len(full) > len(before)
    assert await run.downgrade(empty_database_url, "base") is None
    assert await objects(empty_database_url) == before
    assert await run.upgrade(empty_database_url) == run.head()
    assert await objects(empty_database_url) == full


async def test_every_step_can_be_taken_back_and_forth(empty_database_url: str) -> None:
    names = [revision.name for revision in reversed(await run.history())]
    seen: dict[str, list[str]] = {}
    for name in names:
        assert await run.upgrade(empty_database_url, "+1") == name
        seen[name] = await objects(empty_database_url)
    for name in reversed(names[:-1]):
        assert await run.downgrade(empty_database_url, "-1") == name
        assert await objects(empty_database_url) == seen[name]


async def test_the_history_marks_where_the_database_is(empty_database_url: str) -> None:
    await run.upgrade(empty_database_url, "0001_foundation")
    marked = [revision.name for revision in await run.history(empty_database_url) if revision.is_current]
    assert marked == ["0001_foundation"]


async def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    await run.upgrade(empty_database_url)
    before = await objects(empty_database_url)
    await run.upgrade(empty_database_url)
    assert await objects(empty_database_url) == before


async def test_migrations_of_one_database_take_turns(empty_database_url: str) -> None:
    versions = await asyncio.gather(*(run.upgrade(empty_database_url) for _ in range(3)))
    assert set(versions) == {run.head()}


async def test_databases_of_one_cluster_can_be_migrated_at_once(postgres_url: str) -> None:
    names = [f"test_{uuid.uuid4().hex}" for _ in range(3)]
    for name in names:
        await fetch(postgres_url, f'create database "{name}"')
    program = "import asyncio, sys\nfrom headrace_migrations import run\nprint(asyncio.run(run.upgrade(sys.argv[1])))"
    try:
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, with_database(postgres_url, name), stdout=asyncio.subprocess.PIPE
            )
            for name in names
        ]
        outputs = [await process.communicate() for process in processes]
        assert [output.decode().strip() for output, _ in outputs] == [run.head()] * 3
        # And at once within one process.
        await asyncio.gather(*(run.downgrade(with_database(postgres_url, name), "base") for name in names))
        await asyncio.gather(*(run.upgrade(with_database(postgres_url, name)) for name in names))
    finally:
        for name in names:
            await fetch(postgres_url, f'drop database "{name}" with (force)')


async def test_reset_takes_the_data_away(empty_database_url: str) -> None:
    await run.upgrade(empty_database_url)
    await fetch(empty_database_url, "create table state.mine (value int)")
    with contextlib.suppress(asyncpg.PostgresError):
        await fetch(empty_database_url, "drop table state.mine")
    assert await run.reset(empty_database_url) == run.head()


async def test_each_schema_belongs_to_its_service_and_to_nobody_else(postgres: TestPostgres, database_url: str) -> None:
    owners = await fetch(
        database_url,
        "select nspname, nspowner::regrole::text as owner, has_schema_privilege('public', oid, 'usage') as is_open "
        "from pg_namespace where nspname = any ($1)",
        list(SERVICES),
    )
    assert {row["nspname"]: row["owner"] for row in owners} == {name: f"headrace_{name}" for name in SERVICES}
    assert not any(row["is_open"] for row in owners)
    strangers = await fetch(
        database_url,
        "select schema, role from unnest($1::text[]) schema cross join unnest($1::text[]) role "
        "where schema <> role and has_schema_privilege('headrace_' || role, schema, 'usage')",
        list(SERVICES),
    )
    assert strangers == []


async def test_every_table_belongs_to_the_service_of_its_schema(database_url: str) -> None:
    foreign = await fetch(
        database_url,
        "select relname from pg_class where relnamespace::regnamespace::text = any ($1) "
        "and relowner::regrole::text <> 'headrace_' || relnamespace::regnamespace::text",
        list(SERVICES),
    )
    # Who owns a table can do everything to it, and the audit log can only be added to.
    assert {row["relname"] for row in foreign} == {
        "audit_entry",
        "audit_entry_pkey",
        "audit_entry_audit_entry_id_key",
        "audit_entry_object_idx",
        "audit_entry_principal_idx",
    }


async def test_roles_cannot_log_in(database_url: str) -> None:
    rows = await fetch(database_url, "select rolcanlogin, rolsuper from pg_roles where rolname ~ '^headrace_'")
    assert len(rows) == len(SERVICES)
    assert not any(row["rolcanlogin"] or row["rolsuper"] for row in rows)


async def test_an_owner_who_is_no_superuser_can_migrate(postgres_url: str) -> None:
    name, user = f"test_{uuid.uuid4().hex}", f"owner_{uuid.uuid4().hex[:12]}"
    await fetch(postgres_url, f'create role "{user}" login createrole')
    for service in SERVICES:
        # Another user of the cluster may have made the roles before; then they have to be granted.
        with contextlib.suppress(asyncpg.DuplicateObjectError):
            await fetch(postgres_url, f"create role headrace_{service} nologin")
        await fetch(postgres_url, f'grant headrace_{service} to "{user}"')
    await fetch(postgres_url, f'create database "{name}" owner "{user}"')
    url = with_database(postgres_url, name).replace("postgres:@", f"{user}:@", 1)
    try:
        assert await run.upgrade(url) == run.head()
        assert await run.downgrade(url, "base") is None
    finally:
        await fetch(postgres_url, f'drop database "{name}" with (force)')
        await fetch(postgres_url, f'drop owned by "{user}"')
        await fetch(postgres_url, f'drop role "{user}"')


async def test_a_user_without_rights_is_told_what_is_needed(postgres_url: str, empty_database_url: str) -> None:
    user = f"guest_{uuid.uuid4().hex[:12]}"
    await fetch(postgres_url, f'create role "{user}" login')
    url = empty_database_url.replace("postgres:@", f"{user}:@", 1)
    try:
        with pytest.raises(errors.PermissionDenied, match="own the database"):
            await run.upgrade(url)
    finally:
        await fetch(postgres_url, f'drop role "{user}"')


@pytest.mark.parametrize("revision", ["nonsense", "+100"])
async def test_an_unknown_revision_is_refused(empty_database_url: str, revision: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        await run.upgrade(empty_database_url, revision)


async def test_an_unreachable_postgres_is_said(tmp_path: object) -> None:
    with pytest.raises(errors.Unavailable, match="HEADRACE_DATABASE_URL"):
        await run.upgrade(f"postgresql://postgres@/x?host={tmp_path}")
