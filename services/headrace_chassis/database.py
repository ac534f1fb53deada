"""The pool of database connections of one service, and the unit of work.

Every connection acts as the service's own role, finds the service's own schema, and speaks UTC. Failures
to reach Postgres become `errors.Unavailable`, so that clients try again; the pool connects anew by
itself when Postgres is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from headrace import errors
from headrace_chassis import codecs, metrics, telemetry
from headrace_chassis.audit_scope import scope_to_store
from headrace_chassis.postgres_address import address, unreachable
from headrace_chassis.scope import ALL, SETTING, current_scope, everywhere
from headrace_chassis.sql_spans import span_of

if TYPE_CHECKING:
    from typing import TypeAlias

    Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
    """A connection out of the pool, as units of work hand it to queries."""
else:
    Connection = asyncpg.pool.PoolConnectionProxy

Result = TypeVar("Result")

ACQUIRE_TIMEOUT_SECONDS = 10.0
"""How long a unit of work waits for a free connection before it gives up as Unavailable."""

CONNECT_TIMEOUT_SECONDS = 10.0
RETRY_LIMIT = 5
_RETRY_BASE_SECONDS = 0.01
_STATEMENT_CACHE_SIZE = 512

# What Postgres answers while it starts, stops, or is out of connections: nothing was decided.
_UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    OSError,
)
_WRONG_ADDRESS = (
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidParameterValueError,
    asyncpg.InsufficientPrivilegeError,
)
_LOST_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


_BEGIN = "BEGIN;"
"""How the driver begins a transaction of the default kind."""


class _PlainConnection(asyncpg.Connection):
    """A connection that goes back to the pool without a round trip.

    Units of work change nothing that outlives their transaction (settings only by SET LOCAL, no LISTEN, no
    session locks), so there is nothing to reset. Whose rows it sees is kept from one use to the next, and told to
    Postgres only where it changes.
    """

    __slots__ = ("opening", "scope")

    scope: str
    opening: str
    """What the next transaction begins with."""

    def open_with(self, statement: str) -> None:
        """Let the next transaction begin with a statement, in the round trip that begins it.

        Args:
            statement: Whole, with all values in it.
        """
        self.opening = statement

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        if query == _BEGIN and (opening := getattr(self, "opening", "")):
            self.opening = ""
            query = f"{_BEGIN} {opening}"
        return await super().execute(query, *args, timeout=timeout)

    async def see(self, scope: str) -> None:
        """See the rows of a workspace, or of `scope.ALL`, from now on."""
        # Both are written by us: the text of an id, or a star.
        await self.execute(f"set {SETTING} = '{scope}'")
        self.scope = scope

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A bounded pool of connections that act as one role in one schema.

    Use `connect` to make one. Safe for use from any number of tasks of one event loop.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], *, schema: str) -> None:
        self._pool = pool
        self.schema = schema
        metrics.watch_pool(self)
        self._after_commit: dict[int, dict[Callable[[], None], None]] = {}

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        role: str | None,
        schema: str,
        min_size: int = 1,
        max_size: int = 8,
        application_name: str = "headrace",
    ) -> Database:
        """Open the pool and prove that Postgres answers.

        Args:
            url: `postgresql://...` of the one database that all services share.
            role: The role that each connection takes on (`headrace_state`); None keeps the login's own.
            schema: The schema that unqualified names mean.
            min_size: Connections kept open.
            max_size: Most connections; further units of work wait up to `ACQUIRE_TIMEOUT_SECONDS`.
            application_name: Shown in `pg_stat_activity`.

        Raises:
            errors.Unavailable: Postgres does not answer at `url`; the message says what to look at.
            errors.FailedPrecondition: It answers, but the database, role or login is not there.
        """
        server_settings = {
            "application_name": application_name,
            "search_path": f'"{schema}", headrace, public',
            "timezone": "UTC",
            "jit": "off",
            # A unit of work never waits for its caller; one that does is a fault and must not hold locks.
            "idle_in_transaction_session_timeout": "60s",
        }
        if role is not None:
            server_settings["role"] = role
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                connection_class=_PlainConnection,
                init=_prepare,
                timeout=CONNECT_TIMEOUT_SECONDS,
                command_timeout=None,
                statement_cache_size=_STATEMENT_CACHE_SIZE,
                max_cached_statement_lifetime=0,
                server_settings=server_settings,
            )
        except _WRONG_ADDRESS as error:
            raise errors.FailedPrecondition(
                f"Postgres at {address(url)} refuses the connection: {error}. "
                "Check HEADRACE_DATABASE_URL, and run `headrace server database upgrade` if the database is new.",
                reason="DATABASE_NOT_READY",
            ) from error
        except (*_UNREACHABLE, TimeoutError) as error:
            raise unreachable(error, url) from error
        database = cls(pool, schema=schema)
        try:
            async with database.connection() as connection:
                found = await connection.fetchval("select current_schema()")
            if found != schema:
                raise errors.FailedPrecondition(
                    f"the database at {address(url)} has no schema {schema} for {role or 'this user'}; "
                    "run `headrace server database upgrade`",
                    reason="DATABASE_NOT_READY",
                )
        except BaseException:
            await database.close()
            raise
        return database

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection without a transaction: each statement is its own.

        The first use in a call that is audited is a transaction all the same, which carries the note of the call.

        Raises:
            errors.Unavailable: Postgres cannot be reached, or no connection became free in time.
            errors.InvalidArgument: A value can never be stored, such as a text with the character NUL.
        """
        async with self._lend() as connection:
            note = scope_to_store(self)
            if note is None:
                yield connection
                return
            connection.open_with(note.statement())  # type: ignore[attr-defined]
            async with connection.transaction():
                yield connection
            note.is_stored = True

    @contextlib.asynccontextmanager
    async def _lend(self) -> AsyncIterator[Connection]:
        try:
            connection = await self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS)
        except (*_UNREACHABLE, TimeoutError) as error:
            if isinstance(error, TimeoutError) and self._pool.get_idle_size() == 0 and self._pool.get_size() > 0:
                raise errors.Unavailable(
                    f"no database connection became free within {ACQUIRE_TIMEOUT_SECONDS:g} s",
                    reason="DATABASE_BUSY",
                ) from error
            raise unreachable(error) from error
        try:
            seen = current_scope()
            scope = ALL if seen is None else str(seen)
            if getattr(connection, "scope", None) != scope:
                await connection.see(scope)  # type: ignore[attr-defined]
            yield connection
        except _UNREACHABLE as error:
            # An OSError may come from the body's own work; it concerns the database only if the connection died.
            if isinstance(error, asyncpg.PostgresError) or _is_lost(connection):
                raise unreachable(error) from error
            raise
        except asyncpg.InterfaceError as error:
            if _is_lost(connection):
                raise unreachable(error) from error
            raise
        except asyncpg.InternalClientError as error:
            # The driver lost track: Postgres said good-bye on an idle connection at the moment of its next use.
            with contextlib.suppress(asyncpg.InterfaceError):
                connection.terminate()
            raise unreachable(error) from error
        except (asyncpg.UntranslatableCharacterError, asyncpg.CharacterNotInRepertoireError) as error:
            raise errors.InvalidArgument(
                f"a text holds a character that Postgres cannot store, such as NUL: {error}",
                reason="UNSTORABLE_CHARACTER",
            ) from error
        except asyncpg.ProgramLimitExceededError as error:
            raise errors.InvalidArgument(
                f"a value is longer than an index of the database takes: {error}", reason="VALUE_TOO_LONG"
            ) from error
        except asyncpg.QueryCanceledError as error:
            raise errors.DeadlineExceeded(f"the database gave the statement up: {error}") from error
        finally:
            await self._release(connection)

    async def _release(self, connection: Connection) -> None:
        with contextlib.suppress(asyncpg.InterfaceError, OSError):
            await self._pool.release(connection)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one READ COMMITTED transaction: commit on leaving, roll back on an error.

        Raises:
            errors.Unavailable: Postgres cannot be reached; whether a commit in progress happened is not known.
            errors.Aborted: The transaction lost against another (see `run`, which tries again).
        """
        async with self._lend() as connection:
            try:
                note = scope_to_store(self)
                if note is not None:
                    connection.open_with(note.statement())  # type: ignore[attr-defined]
                async with connection.transaction():
                    yield connection
                if note is not None:
                    note.is_stored = True
                callbacks = self._after_commit.get(id(connection), {})
            except _LOST_RACE as error:
                raise errors.Aborted(
                    "the change lost against a concurrent one; try again", reason="CONCURRENT_CHANGE"
                ) from error
            finally:
                self._after_commit.pop(id(connection), None)
        for callback in callbacks:
            callback()

    def after_commit(self, connection: Connection, callback: Callable[[], None]) -> None:
        """Call `callback` once the transaction that `connection` is in has committed; never if it does not.

        The same callback given several times in one transaction is called once. It must be quick and must
        not raise.
        """
        self._after_commit.setdefault(id(connection), {})[callback] = None

    async def run(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run `work` in a transaction; on a deadlock or serialisation failure run it again, up to 5 times in all.

        `work` must be safe to repeat: its earlier try was rolled back, but only in the database.

        Raises:
            errors.Aborted: Every try lost.
            errors.Unavailable: Postgres cannot be reached.
        """
        attempt = 1
        while True:
            try:
                async with self.transaction() as connection:
                    return await work(connection)
            except errors.Aborted as error:
                if not isinstance(error.__cause__, _LOST_RACE) or attempt >= RETRY_LIMIT:
                    raise
            metrics.database_retries.add(1, {"schema": self.schema})
            await asyncio.sleep(random.uniform(0.5, 1.5) * _RETRY_BASE_SECONDS * 2**attempt)
            attempt += 1

    async def ping(self) -> None:
        """Return once Postgres has answered.

        Raises:
            errors.Unavailable: It does not.
        """
        async with self.connection() as connection:
            await connection.execute("select 1")

    def pool_sizes(self) -> tuple[int, int, int]:
        """Return connections (open, idle, most allowed)."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()

    async def close(self, *, timeout_seconds: float = 5.0) -> None:
        """Close the pool: wait for units of work in progress, then cut them off."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()


@contextlib.asynccontextmanager
async def everywhere_in(database: Database) -> AsyncIterator[Connection]:
    """Lend a connection that sees the rows of all workspaces, whoever the call in progress is for."""
    with everywhere():
        async with database.connection() as connection:
            yield connection


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await codecs.register(connection)
    if telemetry.is_tracing():
        connection.add_query_logger(span_of)


def _is_lost(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool takes a connection back by itself when it breaks.
        return True
