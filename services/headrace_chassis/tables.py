"""The tables that every schema has alike, as SQLAlchemy Core metadata for the services' `tables.py`."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy.dialects import postgresql


def outbox_table(metadata: sqlalchemy.MetaData) -> sqlalchemy.Table:
    """Add the outbox to `metadata` (see `headrace_chassis.outbox`)."""
    return sqlalchemy.Table(
        "outbox",
        metadata,
        sqlalchemy.Column(
            "position",
            sqlalchemy.BigInteger,
            primary_key=True,
            autoincrement=False,
            server_default=sqlalchemy.text(f"nextval('{metadata.schema}.outbox_position_seq'::regclass)"),
        ),
        sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column(
            "recorded_at",
            sqlalchemy.DateTime(timezone=True),
            primary_key=True,
            nullable=False,
            server_default=sqlalchemy.func.now(),
        ),
        sqlalchemy.Column("payload", postgresql.BYTEA, nullable=False),
        postgresql_partition_by="RANGE (recorded_at)",
    )


def service_lease_table(metadata: sqlalchemy.MetaData) -> sqlalchemy.Table:
    """Add the service leases to `metadata` (see `headrace_chassis.leases`)."""
    return sqlalchemy.Table(
        "service_lease",
        metadata,
        sqlalchemy.Column("name", sqlalchemy.Text, primary_key=True),
        sqlalchemy.Column("holder", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("epoch", sqlalchemy.BigInteger, nullable=False),
        sqlalchemy.Column("expires_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    )


def audit_pending_table(metadata: sqlalchemy.MetaData) -> sqlalchemy.Table:
    """Add the audit entries that wait to be forwarded to `metadata` (see `headrace_chassis.audit`)."""
    return sqlalchemy.Table(
        "audit_pending",
        metadata,
        sqlalchemy.Column("audit_entry_id", sqlalchemy.Uuid, primary_key=True),
        sqlalchemy.Column("is_complete", sqlalchemy.Boolean, nullable=False),
        sqlalchemy.Column(
            "recorded_at", sqlalchemy.DateTime(timezone=True), nullable=False, server_default=sqlalchemy.func.now()
        ),
        sqlalchemy.Column("payload", postgresql.BYTEA, nullable=False),
    )
