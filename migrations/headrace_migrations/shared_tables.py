"""What migrations of several services do alike: act as the service, shared tables, day partitions."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

import sqlalchemy
from alembic import op

SERVICES = ("state", "scheduler", "log", "notification", "identity")

_DAYS_AHEAD = 3


@contextlib.contextmanager
def acting_as(service: str) -> Iterator[None]:
    """Run the statements inside as the service's role in its schema, so that the service owns what they make.

    Unqualified names mean the service's schema.

    Raises:
        ValueError: There is no such service.
    """
    if service not in SERVICES:
        raise ValueError(f"{service!r} is not a service; known are {', '.join(SERVICES)}")
    op.execute(f"set local role headrace_{service}")
    op.execute(f"set local search_path to {service}, headrace, public")
    # What is changed in tables concerns all workspaces.
    op.execute("set local headrace.workspace to '*'")
    yield
    # After an error the transaction is rolled back, and these with it.
    op.execute("set local role none")
    op.execute("set local search_path to headrace, public")


def create_outbox() -> None:
    """Make the outbox of the current schema; call inside `acting_as`.

    Positions must come out of the sequence one by one (no CACHE above 1): readers rely on a transaction
    that draws a position holding its lock on the table from before then.
    """
    op.execute("create sequence outbox_position_seq as bigint cache 1")
    op.execute(
        """
        create table outbox (
            position     bigint      not null default nextval('outbox_position_seq'),
            workspace_id uuid        not null,
            kind         text        not null,
            recorded_at  timestamptz not null default now(),
            payload      bytea       not null,
            constraint outbox_pkey primary key (position, recorded_at)
        ) partition by range (recorded_at)
        """
    )
    op.execute("alter sequence outbox_position_seq owned by outbox.position")
    create_partitions("outbox")


def drop_outbox() -> None:
    """Take the outbox away; call inside `acting_as`."""
    op.execute("drop table outbox")


def create_service_lease() -> None:
    """Make the leases of the current schema; call inside `acting_as`."""
    op.execute(
        """
        create table service_lease (
            name       text        not null,
            holder     text        not null,
            epoch      bigint      not null,
            expires_at timestamptz not null,
            constraint service_lease_pkey primary key (name)
        ) with (fillfactor = 50)
        """
    )


def drop_service_lease() -> None:
    """Take the leases away; call inside `acting_as`."""
    op.execute("drop table service_lease")


def create_partitions(table: str) -> None:
    """Give a table that is partitioned by a timestamp its DEFAULT partition and those of the first days.

    The running services make further days (`headrace_chassis.partitions`, which has the same names).
    """
    op.execute(f"create table {table}_default partition of {table} default")
    today = datetime.datetime.now(datetime.UTC).date()
    for offset in range(_DAYS_AHEAD + 1):
        day, following = (today + datetime.timedelta(days=offset + more) for more in (0, 1))
        op.execute(
            f"create table {table}_p{day:%Y%m%d} partition of {table} "
            f"for values from ('{day} 00:00:00+00') to ('{following} 00:00:00+00')"
        )


def has_trigrams() -> bool:
    """Return whether the extension pg_trgm is there; indexes for text search are made only then."""
    return bool(op.get_bind().scalar(sqlalchemy.text("select 1 from pg_extension where extname = 'pg_trgm'")))
