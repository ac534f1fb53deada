"""The whole database as one file, and back: by the programs of Postgres, those of the wheel or the machine's own.

The file is what `pg_dump --format=custom` writes. The roles of the services are no part of it, since they belong to a
whole Postgres; they are made before it is read. Who migrated the database that it is of need not be there where it is
read: what was theirs belongs to who restores it. So it is read by any user who may migrate, superuser or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Sequence
from typing import IO

from headrace import errors
from headrace_chassis.postgres_address import address
from headrace_migrations import run
from headrace_migrations.inspection import inspect, revisions
from headrace_migrations.restoring import restoring
from headrace_migrations.shared_tables import SERVICES
from headrace_server.postgres import binaries

_SCHEMAS = (*SERVICES, run.VERSION_SCHEMA)
_ERROR_BYTES = 2000
_CHUNK_BYTES = 1024 * 1024
_PART = ".part"
_ROLES = frozenset({*(f"headrace_{service}" for service in SERVICES), "PUBLIC"})
_NAME = r'(?P<role>"(?:[^"]|"")+"|[^\s";,]+)'
_OWNERSHIP = re.compile(rf"ALTER [A-Z ]+ .* OWNER TO {_NAME};")
_RIGHT = re.compile(rf"(?:GRANT|REVOKE) .+ (?:TO|FROM) {_NAME}(?: WITH GRANT OPTION)?;")


async def backup(url: str, file: pathlib.Path) -> str:
    """Write the database to `file`, as it is at one moment; servers may go on meanwhile.

    Args:
        url: `postgresql://...`
        file: It is there once it is whole; one that is there already is replaced then.

    Returns:
        The revision of what was written.

    Raises:
        errors.FailedPrecondition: There is nothing of Headrace, or no `pg_dump`, or it fails; the message says why.
    """
    found = await inspect(url, wait_seconds=0)
    if found.revision is None:
        raise errors.FailedPrecondition(f"there is nothing of Headrace in {address(url)}", reason="DATABASE_EMPTY")
    part = file.with_name(file.name + _PART)
    # Nobody else may read what is in it.
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        # What is ours alone; rows of all workspaces, also for a user that the policies hold for.
        ours = [f"--schema={schema}" for schema in _SCHEMAS]
        options = ["--format=custom", "--enable-row-security", "--extension=pg_trgm", f"--file={part}"]
        await _run("pg_dump", url, [*options, *ours])
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return found.revision


async def restore(url: str, file: pathlib.Path) -> str | None:
    """Put what is in `file` in the place of all that Headrace has in the database, and bring it up to this release.

    Args:
        url: `postgresql://...`; the database is there.
        file: What `backup` wrote.

    Returns:
        The revision that the database has then.

    Raises:
        errors.FailedPrecondition: Servers use the database, the file is of a newer release or no backup, or there is
            no `pg_restore`, or it fails, and nothing has changed then; the message says why.
    """
    revision = await revision_of(file)
    if revision not in revisions():
        raise errors.FailedPrecondition(
            f"{file} is at version {revision}, which this release does not know: a newer one wrote it",
            reason="BACKUP_TOO_NEW",
        )
    async with restoring(url) as finish:
        await _replace(url, file)
        version = await run.upgrade(url)
        await finish()
    return version


async def revision_of(file: pathlib.Path) -> str:
    """Return the revision of the database that was written to `file`.

    Raises:
        errors.FailedPrecondition: It is no backup of Headrace.
    """
    options = ["--data-only", f"--schema={run.VERSION_SCHEMA}", f"--table={run.VERSION_TABLE}", "--file=-", str(file)]
    lines = iter((await _run("pg_restore", None, options)).decode(errors="replace").splitlines())
    for line in lines:
        if line.startswith(f"COPY {run.VERSION_SCHEMA}.{run.VERSION_TABLE} "):
            return next(lines)
    raise errors.FailedPrecondition(f"{file} is no backup of Headrace", reason="BACKUP_UNKNOWN")


async def _replace(url: str, file: pathlib.Path) -> None:
    """Put what is in the file in the place of what is there, in one transaction."""
    # The extension is in one of the schemas, and part of the file.
    gone = f"drop extension if exists pg_trgm cascade; drop schema if exists {', '.join(_SCHEMAS)} cascade"
    options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    before, after = [
        without_strangers((await _run("pg_restore", None, [f"--section={section}", "--file=-", str(file)])).decode())
        for section in ("pre-data", "post-data")
    ]
    with tempfile.TemporaryFile() as said_by_reader, tempfile.TemporaryFile() as said_by_writer:
        reader = await _start("pg_restore", None, ["--section=data", "--file=-", str(file)], errors_to=said_by_reader)
        writer = await _start("psql", url, [*options, f"--command={gone}", "--file=-"], errors_to=said_by_writer)
        try:
            is_taken = await _say(writer, before.encode()) and await _copy(reader, writer)
            # The end of its input would commit: that comes only if the file could be read to its end.
            if is_taken and await reader.wait() != 0:
                raise _failure("pg_restore", _all_of(said_by_reader))
            await _say(writer, after.encode())
            _close(writer)
            if await writer.wait() != 0:
                raise _failure("psql", _all_of(said_by_writer))
        finally:
            await _end(reader)
            await _end(writer)


def without_strangers(statements: str) -> str:
    """Return the statements of a dump without those that give something to, or take it from, roles of elsewhere.

    Those are whoever migrated the database that it is of; what they owned belongs to who runs the statements then.
    """
    return "".join(line for line in statements.splitlines(keepends=True) if not _is_of_strangers(line))


def _is_of_strangers(line: str) -> bool:
    found = _OWNERSHIP.fullmatch(line.rstrip()) or _RIGHT.fullmatch(line.rstrip())
    return found is not None and found["role"].strip('"') not in _ROLES


async def _copy(reader: asyncio.subprocess.Process, writer: asyncio.subprocess.Process) -> bool:
    """Hand on what one says to the other; returns whether the other took all of it."""
    assert reader.stdout is not None
    while chunk := await reader.stdout.read(_CHUNK_BYTES):
        if not await _say(writer, chunk):
            return False
    return True


async def _say(writer: asyncio.subprocess.Process, said: bytes) -> bool:
    """Say something to a program; returns whether it took it. Why not it says at its end."""
    assert writer.stdin is not None
    try:
        writer.stdin.write(said)
        await writer.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


async def _run(program: str, url: str | None, options: Sequence[str]) -> bytes:
    with tempfile.TemporaryFile() as said:
        process = await _start(program, url, options, errors_to=said)
        try:
            _close(process)
            output, _ = await process.communicate()
        finally:
            await _end(process)
        if process.returncode != 0:
            raise _failure(program, _all_of(said))
    return output


async def _start(
    program: str, url: str | None, options: Sequence[str], *, errors_to: IO[bytes]
) -> asyncio.subprocess.Process:
    # PG* variables of the user are meant for another Postgres.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment["PGOPTIONS"] = "-c headrace.workspace=*"
    target = []
    if url is not None:
        # Whoever lists processes sees arguments.
        bare, password = _without_password(url)
        target = [f"--dbname={bare}", "--no-password"]
        if password is not None:
            environment["PGPASSWORD"] = password
    return await asyncio.create_subprocess_exec(
        _find(program),
        *target,
        *options,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A file takes whatever is said while nobody listens.
        stderr=errors_to,
    )


def _close(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _all_of(said: IO[bytes]) -> bytes:
    said.seek(0)
    return said.read()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _failure(program: str, said: bytes) -> errors.FailedPrecondition:
    words = said[-_ERROR_BYTES:].decode(errors="replace").strip()
    return errors.FailedPrecondition(f"{program} failed: {words}", reason="POSTGRES_PROGRAM_FAILED")


def _find(program: str) -> str:
    with contextlib.suppress(errors.FailedPrecondition):
        embedded = binaries.folder() / program
        if embedded.exists():
            return str(embedded)
    found = shutil.which(program)
    if found is None:
        raise errors.FailedPrecondition(
            f"there is no {program} here; install the clients of Postgres", reason="POSTGRES_PROGRAM_MISSING"
        )
    return found


def _without_password(url: str) -> tuple[str, str | None]:
    parts = urllib.parse.urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    user, colon, password = credentials.partition(":")
    if not colon:
        return url, None
    return parts._replace(netloc=f"{user}{at}{place}").geturl(), urllib.parse.unquote(password)
