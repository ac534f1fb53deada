"""The schema `identity`."""

from __future__ import annotations

import datetime
import uuid

import sqlalchemy
from sqlalchemy.dialects import postgresql

from headrace_chassis.tables import audit_pending_table

METADATA = sqlalchemy.MetaData(schema="identity")


def _time(name: str, *, is_now: bool = False) -> sqlalchemy.Column[datetime.datetime]:
    """Return the column of a time: NULL where there is none, unless it is the time of the insert."""
    if is_now:
        return sqlalchemy.Column(
            name, sqlalchemy.DateTime(timezone=True), nullable=False, server_default=sqlalchemy.func.now()
        )
    return sqlalchemy.Column(name, sqlalchemy.DateTime(timezone=True))


def _text(name: str, *, default: str | None = None) -> sqlalchemy.Column[str]:
    return sqlalchemy.Column(name, sqlalchemy.Text, nullable=False, server_default=default)


def _id(name: str, *, nullable: bool = False) -> sqlalchemy.Column[uuid.UUID]:
    return sqlalchemy.Column(name, sqlalchemy.Uuid, nullable=nullable)


def _refers(table: str, column: str, target: str, *, cascades: bool = False) -> sqlalchemy.ForeignKeyConstraint:
    return sqlalchemy.ForeignKeyConstraint(
        [column],
        [f"identity.{target}.{column}"],
        name=f"{table}_{column}_fkey",
        ondelete="CASCADE" if cascades else None,
    )


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
    sqlalchemy.Column("calls_per_second", sqlalchemy.Double),
    sqlalchemy.Column("concurrent_calls", sqlalchemy.Integer),
    sqlalchemy.UniqueConstraint("handle", name="workspace_handle_key"),
    sqlalchemy.ForeignKeyConstraint(["account_id"], ["identity.account.account_id"], name="workspace_account_id_fkey"),
    sqlalchemy.Index("workspace_account_id_idx", "account_id"),
)

PRINCIPAL = sqlalchemy.Table(
    "principal",
    METADATA,
    sqlalchemy.Column("principal_id", sqlalchemy.Uuid, primary_key=True),
    _id("account_id"),
    _id("workspace_id", nullable=True),
    _text("kind"),
    _text("handle"),
    _text("display_name"),
    sqlalchemy.Column("is_active", sqlalchemy.Boolean, nullable=False, server_default=sqlalchemy.true()),
    _time("last_seen_at"),
    _time("created_at", is_now=True),
    _time("updated_at", is_now=True),
    _text("external_id", default=""),
    _refers("principal", "account_id", "account"),
    _refers("principal", "workspace_id", "workspace"),
    sqlalchemy.CheckConstraint(
        "kind = 'user' and workspace_id is null or kind = 'service_account' and workspace_id is not null",
        name="principal_kind",
    ),
    sqlalchemy.Index(
        "principal_user_idx",
        "account_id",
        "handle",
        unique=True,
        postgresql_where=sqlalchemy.text("workspace_id is null"),
    ),
    sqlalchemy.Index(
        "principal_service_account_idx",
        "workspace_id",
        "handle",
        unique=True,
        postgresql_where=sqlalchemy.text("workspace_id is not null"),
    ),
    sqlalchemy.Index(
        "principal_external_id_idx",
        "account_id",
        "external_id",
        unique=True,
        postgresql_where=sqlalchemy.text("external_id <> ''"),
    ),
)
"""Users, whose handle is their e-mail address in small letters, and service accounts of workspaces."""

EXTERNAL_IDENTITY = sqlalchemy.Table(
    "external_identity",
    METADATA,
    sqlalchemy.Column("provider", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("subject", sqlalchemy.Text, primary_key=True),
    _id("principal_id"),
    _time("created_at", is_now=True),
    _time("last_sign_in_at"),
    _refers("external_identity", "principal_id", "principal", cascades=True),
    sqlalchemy.Index("external_identity_principal_id_idx", "principal_id"),
)
"""Under which name a provider of identities knows a principal."""

TEAM = sqlalchemy.Table(
    "team",
    METADATA,
    sqlalchemy.Column("team_id", sqlalchemy.Uuid, primary_key=True),
    _id("account_id"),
    _text("handle"),
    _text("name"),
    _text("description", default=""),
    _time("created_at", is_now=True),
    _time("updated_at", is_now=True),
    _text("external_id", default=""),
    sqlalchemy.UniqueConstraint("account_id", "handle", name="team_handle_key"),
    _refers("team", "account_id", "account"),
    sqlalchemy.Index(
        "team_external_id_idx",
        "account_id",
        "external_id",
        unique=True,
        postgresql_where=sqlalchemy.text("external_id <> ''"),
    ),
)

TEAM_MEMBER = sqlalchemy.Table(
    "team_member",
    METADATA,
    sqlalchemy.Column("team_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("principal_id", sqlalchemy.Uuid, primary_key=True),
    _time("created_at", is_now=True),
    _refers("team_member", "team_id", "team", cascades=True),
    _refers("team_member", "principal_id", "principal", cascades=True),
    sqlalchemy.Index("team_member_principal_id_idx", "principal_id"),
)

ROLE = sqlalchemy.Table(
    "role",
    METADATA,
    sqlalchemy.Column("account_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("handle", sqlalchemy.Text, primary_key=True),
    _text("name"),
    _text("description", default=""),
    sqlalchemy.Column("permissions", sqlalchemy.ARRAY(sqlalchemy.Text), nullable=False),
    _time("created_at", is_now=True),
    _time("updated_at", is_now=True),
    _refers("role", "account_id", "account"),
)
"""Roles that users made; those that come with the server are in `rules/roles.py`."""

ROLE_ASSIGNMENT = sqlalchemy.Table(
    "role_assignment",
    METADATA,
    sqlalchemy.Column("role_assignment_id", sqlalchemy.Uuid, primary_key=True),
    _id("account_id"),
    _id("workspace_id", nullable=True),
    _id("principal_id", nullable=True),
    _id("team_id", nullable=True),
    _text("role"),
    _text("object_kind", default=""),
    _text("object", default=""),
    _time("created_at", is_now=True),
    _refers("role_assignment", "account_id", "account"),
    _refers("role_assignment", "workspace_id", "workspace"),
    _refers("role_assignment", "principal_id", "principal", cascades=True),
    _refers("role_assignment", "team_id", "team", cascades=True),
    sqlalchemy.CheckConstraint("num_nonnulls(principal_id, team_id) = 1", name="role_assignment_holder"),
    sqlalchemy.CheckConstraint(
        "object_kind = '' and object = '' or object_kind <> '' and object <> '' and workspace_id is not null",
        name="role_assignment_object",
    ),
    sqlalchemy.Index(
        "role_assignment_idx",
        sqlalchemy.text("coalesce(principal_id, team_id)"),
        sqlalchemy.text("coalesce(workspace_id, account_id)"),
        "role",
        "object_kind",
        "object",
        unique=True,
    ),
    sqlalchemy.Index("role_assignment_workspace_id_idx", "workspace_id", "role_assignment_id"),
    sqlalchemy.Index("role_assignment_principal_id_idx", "principal_id"),
    sqlalchemy.Index("role_assignment_team_id_idx", "team_id"),
)
"""Who holds which role: in the account (no workspace), in a workspace, or on one object in it."""

API_KEY = sqlalchemy.Table(
    "api_key",
    METADATA,
    sqlalchemy.Column("api_key_id", sqlalchemy.Text, primary_key=True),
    _id("principal_id"),
    _id("workspace_id", nullable=True),
    _text("name"),
    sqlalchemy.Column("secret_hash", sqlalchemy.LargeBinary, nullable=False),
    sqlalchemy.Column("permissions", sqlalchemy.ARRAY(sqlalchemy.Text), nullable=False, server_default="{}"),
    sqlalchemy.Column("lifetime_seconds", sqlalchemy.Double),
    _time("created_at", is_now=True),
    _time("expires_at"),
    _time("revoked_at"),
    _time("last_used_at"),
    sqlalchemy.Column("replaced_by_id", sqlalchemy.Text),
    _refers("api_key", "principal_id", "principal", cascades=True),
    _refers("api_key", "workspace_id", "workspace"),
    sqlalchemy.Index("api_key_principal_id_idx", "principal_id", "created_at"),
)

SESSION = sqlalchemy.Table(
    "session",
    METADATA,
    sqlalchemy.Column("session_id", sqlalchemy.Uuid, primary_key=True),
    _id("principal_id"),
    sqlalchemy.Column("secret_hash", sqlalchemy.LargeBinary, nullable=False),
    _text("provider", default=""),
    _text("address", default=""),
    _text("user_agent", default=""),
    _time("created_at", is_now=True),
    _time("last_used_at", is_now=True),
    sqlalchemy.Column("expires_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    _refers("session", "principal_id", "principal", cascades=True),
    sqlalchemy.Index("session_principal_id_idx", "principal_id"),
    sqlalchemy.Index("session_expires_at_idx", "expires_at"),
)

INVITATION = sqlalchemy.Table(
    "invitation",
    METADATA,
    sqlalchemy.Column("invitation_id", sqlalchemy.Uuid, primary_key=True),
    _id("account_id"),
    _id("workspace_id"),
    _text("email"),
    _text("role"),
    sqlalchemy.Column("secret_hash", sqlalchemy.LargeBinary, nullable=False),
    _text("invited_by"),
    _time("created_at", is_now=True),
    sqlalchemy.Column("expires_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    _time("accepted_at"),
    _refers("invitation", "account_id", "account"),
    _refers("invitation", "workspace_id", "workspace"),
    sqlalchemy.Index("invitation_workspace_id_idx", "workspace_id", "created_at"),
)

SETUP_TOKEN = sqlalchemy.Table(
    "setup_token",
    METADATA,
    sqlalchemy.Column("is_only", sqlalchemy.Boolean, primary_key=True, server_default=sqlalchemy.true()),
    sqlalchemy.Column("secret_hash", sqlalchemy.LargeBinary, nullable=False),
    sqlalchemy.Column("expires_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    sqlalchemy.CheckConstraint("is_only", name="setup_token_is_only"),
)
"""What the first administrator gets in with, until there is one."""

SIGNING_KEY = sqlalchemy.Table(
    "signing_key",
    METADATA,
    sqlalchemy.Column("key_id", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("public_key", sqlalchemy.LargeBinary, nullable=False),
    _text("private_key"),
    _time("created_at", is_now=True),
    _time("retired_at"),
)
"""Keys that sign tokens between services; the private half is sealed."""

ACCESS_VERSION = sqlalchemy.Table(
    "access_version",
    METADATA,
    sqlalchemy.Column("is_only", sqlalchemy.Boolean, primary_key=True, server_default=sqlalchemy.true()),
    sqlalchemy.Column("version", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.CheckConstraint("is_only", name="access_version_is_only"),
)
"""How often rights have changed."""

AUDIT_PENDING = audit_pending_table(METADATA)

AUDIT_ENTRY = sqlalchemy.Table(
    "audit_entry",
    METADATA,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("sequence", sqlalchemy.BigInteger, primary_key=True, autoincrement=False),
    _id("audit_entry_id"),
    sqlalchemy.Column("occurred_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    _time("recorded_at", is_now=True),
    _text("principal_id"),
    _text("principal_kind"),
    _text("principal_name"),
    _text("action"),
    _text("permission"),
    _text("object_kind"),
    _text("object_id"),
    _text("outcome"),
    _text("reason"),
    _text("address"),
    _text("user_agent"),
    _text("correlation_id"),
    _text("before_digest"),
    _text("after_digest"),
    _text("previous_hash"),
    _text("hash"),
    sqlalchemy.UniqueConstraint("audit_entry_id", name="audit_entry_audit_entry_id_key"),
    sqlalchemy.Index(
        "audit_entry_object_idx", "workspace_id", "object_kind", "object_id", sqlalchemy.text("sequence desc")
    ),
    sqlalchemy.Index("audit_entry_principal_idx", "workspace_id", "principal_id", sqlalchemy.text("sequence desc")),
)
"""The audit log. The service may add rows and read them, and owns nothing of it."""

PASSWORD = sqlalchemy.Table(
    "password",
    METADATA,
    sqlalchemy.Column("principal_id", sqlalchemy.Uuid, primary_key=True),
    _text("hash"),
    _time("changed_at", is_now=True),
    sqlalchemy.Column("failures", sqlalchemy.Integer, nullable=False, server_default="0"),
    _time("locked_until"),
    _text("totp_secret", default=""),
    sqlalchemy.Column("totp_confirmed", sqlalchemy.Boolean, nullable=False, server_default=sqlalchemy.false()),
    sqlalchemy.Column("totp_last_step", sqlalchemy.BigInteger, nullable=False, server_default="0"),
    sqlalchemy.Column("recovery_hashes", sqlalchemy.ARRAY(sqlalchemy.LargeBinary), nullable=False, server_default="{}"),
    _refers("password", "principal_id", "principal", cascades=True),
)
"""`failures` and `locked_until` are for servers of the release before: tries are counted in `sign_in_try` now."""

SIGN_IN_TRY = sqlalchemy.Table(
    "sign_in_try",
    METADATA,
    sqlalchemy.Column("provider", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("name_digest", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("failures", sqlalchemy.Integer, nullable=False),
    _time("locked_until"),
    sqlalchemy.Column("tried_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    sqlalchemy.Index("sign_in_try_tried_at_idx", "tried_at"),
)
"""How often a name was tried with something wrong, whether anybody has it or not."""

IDENTITY_PROVIDER = sqlalchemy.Table(
    "identity_provider",
    METADATA,
    sqlalchemy.Column("handle", sqlalchemy.Text, primary_key=True),
    _text("name"),
    _text("kind"),
    sqlalchemy.Column("is_enabled", sqlalchemy.Boolean, nullable=False),
    sqlalchemy.Column("creates_users", sqlalchemy.Boolean, nullable=False),
    sqlalchemy.Column("settings", postgresql.JSONB, nullable=False),
    _text("secret", default=""),
    sqlalchemy.Column("group_roles", postgresql.JSONB, nullable=False),
    _time("created_at", is_now=True),
    _time("updated_at", is_now=True),
)

DEVICE_SIGN_IN = sqlalchemy.Table(
    "device_sign_in",
    METADATA,
    sqlalchemy.Column("user_code", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("device_hash", sqlalchemy.LargeBinary, nullable=False),
    _text("client_name"),
    sqlalchemy.Column("loopback_port", sqlalchemy.Integer, nullable=False),
    _text("address"),
    _time("created_at", is_now=True),
    sqlalchemy.Column("expires_at", sqlalchemy.DateTime(timezone=True), nullable=False),
    sqlalchemy.Column("is_approved", sqlalchemy.Boolean),
    _id("principal_id", nullable=True),
    _refers("device_sign_in", "principal_id", "principal", cascades=True),
    sqlalchemy.UniqueConstraint("device_hash", name="device_sign_in_device_hash_key"),
    sqlalchemy.Index("device_sign_in_expires_at_idx", "expires_at"),
)
