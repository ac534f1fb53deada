"""The second wall: Postgres shows a service only the rows of the workspace that it works for."""

from __future__ import annotations

import asyncpg
import pytest

from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace_chassis.caller import Caller, set_caller
from headrace_chassis.database import Database
from headrace_chassis.scope import everywhere

SERVICES = ("state", "scheduler", "log", "notification", "identity")

_EXPOSED = """
    select pg_class.oid::regclass::text as name
      from pg_class
      join pg_attribute
        on pg_attribute.attrelid = pg_class.oid
       and pg_attribute.attname = 'workspace_id'
     where pg_class.relnamespace::regnamespace::text = any($1)
       and pg_class.relkind in ('r', 'p')
       and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
       and not (
           pg_class.relrowsecurity
           and pg_class.relforcerowsecurity
           and exists (select from pg_policy where polrelid = pg_class.oid)
       )
"""


def acting_for(workspace_id: object) -> None:
    set_caller(Caller(workspace_id, "ada", "user", "Ada", frozenset(), "c"))  # type: ignore[arg-type]


async def test_every_readable_table_with_a_workspace_is_protected_also_from_its_owner(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        exposed = [row["name"] for row in await connection.fetch(_EXPOSED, list(SERVICES))]
        mighty = await connection.fetch(
            "select rolname from pg_roles where rolname like 'headrace%' and (rolsuper or rolbypassrls)"
        )
    finally:
        await connection.close()
    assert exposed == []
    assert mighty == []


async def test_a_service_that_forgets_the_workspace_sees_only_that_of_its_caller(database_url: str) -> None:
    database = await Database.connect(database_url, role="headrace_state", schema="state", max_size=1)
    other = uuid7()
    insert = (
        "insert into variable (variable_id, workspace_id, name, value, tags) values ($1, $2, 'colour', '\"red\"', '{}')"
    )
    try:
        for workspace_id in (DEFAULT_WORKSPACE_ID, other):
            acting_for(workspace_id)
            async with database.connection() as connection:
                await connection.execute(insert, uuid7(), workspace_id)
        acting_for(other)
        async with database.connection() as connection:
            seen = [row["workspace_id"] for row in await connection.fetch("select workspace_id from variable")]
            assert await connection.execute("update variable set name = 'taken'") == "UPDATE 1"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(insert, uuid7(), DEFAULT_WORKSPACE_ID)
        assert seen == [other]
        with everywhere():
            async with database.connection() as connection:
                assert await connection.fetchval("select count(*) from variable") == 2
    finally:
        await database.close()


async def test_a_connection_that_was_not_told_sees_nothing(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, server_settings={"role": "headrace_identity"})
    try:
        assert await connection.fetchval("select count(*) from identity.workspace") == 0
    finally:
        await connection.close()
