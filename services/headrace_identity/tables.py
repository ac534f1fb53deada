"""The schema `identity`."""

from __future__ import annotations

import sqlalchemy

METADATA = sqlalchemy.MetaData(schema="identity")

INSTALLATION = sqlalchemy.Table(
    "installation",
    METADATA,
    sqlalchemy.Column("is_only", sqlalchemy.Boolean, primary_key=True, server_default=sqlalchemy.true()),
    sqlalchemy.Column("installation_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.CheckConstraint("is_only", name="installation_is_only"),
)

ACCOUNT = sqlalchemy.Table(
    "account",
    METADATA,
    sqlalchemy.Column("account_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("handle", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column(
        "created_at", sqlalchemy.DateTime(timezone=True), nullable=False, server_default=sqlalchemy.func.now()
    ),
    sqlalchemy.Column(
        "updated_at", sqlalchemy.DateTime(timezone=True), nullable=False, server_default=sqlalchemy.func.now()
    ),
    sqlalchemy.UniqueConstraint("handle", name="account_handle_key"),
)

WORKSPACE = sqlalchemy.Table(
    "workspace",
    METADATA,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("account_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("handle", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("description", sqlalchemy.Text, nullable=False, server_default=""),
    sqlalchemy.Column(
        "created_at", sqlalchemy.DateTime(timezone=True), nullable=False, server_default=sqlalchemy.func.now()
    ),
    sqlalchemy.Column(
        "updated_at", sqlalchemy.DateTime(timezone=True), nullable=False, server_default=sqlalchemy.func.now()
    ),
    sqlalchemy.UniqueConstraint("handle", name="workspace_handle_key"),
    sqlalchemy.ForeignKeyConstraint(["account_id"], ["identity.account.account_id"], name="workspace_account_id_fkey"),
    sqlalchemy.Index("workspace_account_id_idx", "account_id"),
)
