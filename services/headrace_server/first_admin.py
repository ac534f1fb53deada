"""How the first administrator gets into a server with sign-in: by a link that works once."""

from __future__ import annotations

from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.directory import PostgresDirectory
from headrace_identity.queries.keys import PostgresInvitations
from headrace_identity.usecases.members import make_setup_token


async def setup_token(database_url: str) -> str | None:
    """Return a new token that makes the first user, in place of earlier ones; None where there are users.

    Raises:
        errors.Unavailable: Postgres does not answer.
    """
    database = await Database.connect(database_url, role="headrace_identity", schema="identity", max_size=1)
    try:
        directory = PostgresDirectory(database, Changes(database, Wakeups(None)))
        return await make_setup_token(PostgresInvitations(database), directory)
    finally:
        await database.close()


def setup_hint(base_url: str, token: str) -> str:
    """Return the lines that tell whoever started the server how to get in."""
    return (
        "  Nobody can sign in yet. Make yourself the owner, within 24 hours:\n"
        f"    HEADRACE_API_URL={base_url} headrace setup {token} --email you@example.org"
    )
