"""Writes what a new database begins with from the migrations: `python -m tools.fresh_schema`.

Executes all migrations on an empty Postgres of its own and writes their statements down, with days counted from the
day of the execution. A test compares the schema that they make with that of the migrations.
"""

from __future__ import annotations

import asyncio
import datetime
import pathlib
import re
from typing import Any

import sqlalchemy

from headrace_migrations import run
from headrace_server.postgres.keeper import PostgresKeeper

FILE = pathlib.Path(run.__file__).parent / "generated" / "fresh.sql"

_HEAD = """-- Written by `python -m tools.fresh_schema` from the migrations; do not edit it.
-- Version {revision}
"""
_LEFT_OUT = re.compile(
    r"\s*(show|set lock_timeout|reset|(insert into|update) headrace\.version|select(?!\s+headrace\.protect))\b", re.I
)
"""Questions, what only concerns the execution itself, and the steps that were taken."""
_DAYS = 10
_DATED = re.compile(r"_p\d{8}\b|'\d{4}-\d\d-\d\d[ ']")


async def statements(url: str) -> list[str]:
    """Execute all migrations on an empty database and return their statements."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if _LEFT_OUT.match(statement):
            return
        if parameters:
            raise RuntimeError(f"a statement with parameters cannot be written down: {statement}")
        found.append(statement.strip())

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        revision = await run.upgrade(url)
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    found.append(f"insert into headrace.version (version_num) values ('{revision}')")  # noqa: S608 - a name of ours
    return [_HEAD.format(revision=revision), *(f"{statement};\n" for statement in found)]


def undated(text: str, today: datetime.date) -> str:
    """Return statements with days counted from `today` in place of dates.

    Raises:
        RuntimeError: A date is left.
    """
    for place in range(_DAYS):
        day = today + datetime.timedelta(days=place)
        text = text.replace(f"_p{day:%Y%m%d} ", f"_p<<day {place}>> ").replace(f"'{day} ", f"'<<date {place}>> ")
    if left := _DATED.search(text):
        raise RuntimeError(f"a date is left: {left[0]}")
    return text


async def write() -> None:
    """Write the file."""
    keeper = PostgresKeeper.temporary(processes=1)
    await keeper.start()
    try:
        today = datetime.datetime.now(datetime.UTC).date()
        text = undated("".join(await statements(keeper.url)), today)
    finally:
        await keeper.stop()
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text, encoding="utf-8")
    print(f"{FILE}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    asyncio.run(write())
