"""The audit log, and where each service keeps entries until they are in it

The identity service may add entries and read them; it owns nothing of the table, so it can neither change nor delete
any, nor give itself the right to.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import SERVICES, acting_as

revision = "0021_identity_audit"
down_revision = "0020_identity_access"
branch_labels = None
depends_on = None

_PENDING = """
create table audit_pending (
    audit_entry_id uuid        not null,
    is_complete    boolean     not null,
    recorded_at    timestamptz not null default now(),
    payload        bytea       not null,
    constraint audit_pending_pkey primary key (audit_entry_id)
) with (fillfactor = 70)
"""

_ENTRY = """
create table identity.audit_entry (
    workspace_id   uuid        not null,
    sequence       bigint      not null,
    audit_entry_id uuid        not null,
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null default now(),
    principal_id   text        not null,
    principal_kind text        not null,
    principal_name text        not null,
    action         text        not null,
    permission     text        not null,
    object_kind    text        not null,
    object_id      text        not null,
    outcome        text        not null,
    reason         text        not null,
    address        text        not null,
    user_agent     text        not null,
    correlation_id text        not null,
    before_digest  text        not null,
    after_digest   text        not null,
    previous_hash  text        not null,
    hash           text        not null,
    constraint audit_entry_pkey primary key (workspace_id, sequence),
    constraint audit_entry_audit_entry_id_key unique (audit_entry_id)
)
"""

_INDEXES = (
    "create index audit_entry_object_idx on identity.audit_entry (workspace_id, object_kind, object_id, sequence desc)",
    "create index audit_entry_principal_idx on identity.audit_entry (workspace_id, principal_id, sequence desc)",
)

# Whoever goes around the grants, as an owner of the database can, meets this.
_WALL = """
create function identity.refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log can only be added to';
end
$$
"""


def upgrade() -> None:
    for service in SERVICES:
        with acting_as(service):
            op.execute(_PENDING)
    # Made by the one who migrates and not by the service, which would own it then.
    op.execute(_ENTRY)
    for statement in _INDEXES:
        op.execute(statement)
    op.execute(_WALL)
    op.execute(
        "create trigger audit_entry_is_append_only before update or delete or truncate on identity.audit_entry"
        " for each statement execute function identity.refuse_audit_change()"
    )
    op.execute("revoke all on identity.audit_entry from public, headrace_identity")
    op.execute("grant select, insert on identity.audit_entry to headrace_identity")


def downgrade() -> None:
    op.execute("drop table identity.audit_entry")
    op.execute("drop function identity.refuse_audit_change()")
    for service in SERVICES:
        with acting_as(service):
            op.execute("drop table audit_pending")
