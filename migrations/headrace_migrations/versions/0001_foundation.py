"""Schemas and roles of the services

Each service has a schema that its role owns. Roles are NOLOGIN: services log in as one user that is a
member of them and take the role on. Roles belong to the whole Postgres cluster, and other databases in it
may use them, so they are made if missing and stay when this database no longer needs them.
"""

from __future__ import annotations

import sqlalchemy
from alembic import op

from headrace_migrations.shared_tables import SERVICES

revision = "0001_foundation"
down_revision = None
branch_labels = None
depends_on = None

# Two databases of one cluster may be migrated at once: the loser of a race finds the role made (unique_violation,
# duplicate_object) or the membership row just changed (internal_error "tuple concurrently updated").
_ROLE = """
do $$
begin
    for attempt in 1..10 loop
        begin
            if not exists (select from pg_roles where rolname = '{role}') then
                create role {role} nologin;
            end if;
            if not pg_has_role(current_user, '{role}', '{privilege}') then
                execute format('grant {role} to %I', current_user);
            end if;
            exit;
        exception
            when duplicate_object or unique_violation or internal_error then
                if attempt = 10 then
                    raise;
                end if;
                perform pg_sleep(0.05 * attempt);
        end;
    end loop;
end
$$
"""

# pg_trgm is a trusted extension; where even that is not allowed, text search does without its indexes.
_TRIGRAMS = """
do $$
begin
    create extension if not exists pg_trgm with schema headrace;
exception
    when insufficient_privilege or feature_not_supported or undefined_file then
        raise warning 'pg_trgm is not available: searching logs will be slower';
end
$$
"""


def upgrade() -> None:
    version = op.get_bind().scalar(sqlalchemy.text("select current_setting('server_version_num')::int"))
    privilege = "SET" if version is not None and version >= 160000 else "MEMBER"
    op.execute(_TRIGRAMS)
    for service in SERVICES:
        role = f"headrace_{service}"
        op.execute(_ROLE.format(role=role, privilege=privilege))
        op.execute(f"create schema {service} authorization {role}")
        op.execute(f"revoke all on schema {service} from public")
        op.execute(f"grant usage on schema headrace to {role}")
        op.execute(f"alter default privileges for role {role} revoke all on tables from public")
        op.execute(f"alter default privileges for role {role} revoke execute on functions from public")
    op.execute("revoke create on schema public from public")


def downgrade() -> None:
    for service in reversed(SERVICES):
        role = f"headrace_{service}"
        op.execute(f"alter default privileges for role {role} grant execute on functions to public")
        op.execute(f"revoke usage on schema headrace from {role}")
        op.execute(f"drop schema {service}")
    op.execute(
        """
        do $$
        begin
            if exists (
                select
                  from pg_extension
                  join pg_namespace on pg_namespace.oid = pg_extension.extnamespace
                 where extname = 'pg_trgm'
                   and nspname = 'headrace'
            ) then
                drop extension pg_trgm;
            end if;
        end
        $$
        """
    )
