"""Events, automations and deliveries

Events are partitioned by the UTC day on which they occurred. Buckets are what triggers remember between events;
deliveries are the queue and the record of what is done for a firing.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import (
    acting_as,
    create_outbox,
    create_partitions,
    create_service_lease,
    drop_outbox,
    drop_service_lease,
)

revision = "0006_notification"
down_revision = "0005_log"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("notification"):
        create_outbox()
        create_service_lease()
        _create_event()
        _create_automation()
        _create_delivery()
        op.execute(
            """
            create table cursor (
                name            text        not null,
                cursor          text        not null,
                evaluated_until timestamptz,
                updated_at      timestamptz not null default now(),
                constraint cursor_pkey primary key (name)
            ) with (fillfactor = 50)
            """
        )


def _create_event() -> None:
    op.execute(
        """
        create table event (
            position         bigint      not null,
            event_id         uuid        not null,
            workspace_id     uuid        not null,
            name             text        not null,
            occurred_at      timestamptz not null,
            received_at      timestamptz not null default now(),
            resource_id      text        not null,
            resource         jsonb       not null,
            related          jsonb       not null,
            related_ids      text[]      not null,
            payload          jsonb       not null,
            follows_event_id uuid,
            constraint event_pkey primary key (event_id, occurred_at)
        ) partition by range (occurred_at)
        """
    )
    op.execute("create index event_workspace on event (workspace_id, occurred_at, position)")
    op.execute("create index event_name on event (workspace_id, name, occurred_at, position)")
    op.execute("create index event_resource on event (workspace_id, resource_id, occurred_at, position)")
    op.execute("create index event_related on event using gin (related_ids)")
    create_partitions("event")


def _create_automation() -> None:
    op.execute(
        """
        create table automation (
            automation_id      uuid        not null,
            workspace_id       uuid        not null,
            name               text        not null,
            description        text        not null,
            enabled            boolean     not null,
            tags               text[]      not null,
            trigger            jsonb       not null,
            actions            jsonb       not null,
            actions_on_trigger jsonb       not null,
            actions_on_resolve jsonb       not null,
            owner_resource_id  text        not null,
            creator            jsonb       not null,
            created_at         timestamptz not null default now(),
            updated_at         timestamptz not null default now(),
            last_fired_at      timestamptz,
            version            bigint      not null,
            constraint automation_pkey primary key (automation_id)
        )
        """
    )
    op.execute("create index automation_by_name on automation (workspace_id, name, automation_id)")
    op.execute("create index automation_version on automation (version)")
    op.execute(
        """
        create table catalogue (
            is_only boolean not null default true,
            version bigint  not null,
            constraint catalogue_pkey primary key (is_only),
            constraint catalogue_only check (is_only)
        ) with (fillfactor = 50)
        """
    )
    op.execute("insert into catalogue (version) values (0)")
    op.execute(
        """
        create table bucket (
            automation_id uuid        not null,
            key           text[]      not null,
            workspace_id  uuid        not null,
            starts_at     timestamptz not null,
            ends_at       timestamptz not null,
            count         integer     not null,
            fired_at      timestamptz,
            last_event    jsonb,
            due_at        timestamptz,
            sources       text[]      not null,
            updated_at    timestamptz not null default now(),
            constraint bucket_pkey primary key (automation_id, key)
        ) with (fillfactor = 70)
        """
    )
    op.execute("create index bucket_due on bucket (due_at) where due_at is not null")
    op.execute("create index bucket_updated on bucket (updated_at)")


def _create_delivery() -> None:
    op.execute(
        """
        create table delivery (
            delivery_id      uuid        not null,
            workspace_id     uuid        not null,
            automation_id    uuid        not null,
            automation_name  text        not null,
            event_id         uuid,
            action_kind      text        not null,
            action           jsonb       not null,
            context          jsonb       not null,
            status           text        not null,
            tries            integer     not null,
            next_try_at      timestamptz,
            last_answer      text        not null,
            last_status_code integer     not null,
            created_at       timestamptz not null default now(),
            ended_at         timestamptz,
            constraint delivery_pkey primary key (delivery_id)
        ) with (fillfactor = 80)
        """
    )
    op.execute(
        "create index delivery_due on delivery (automation_id, next_try_at, delivery_id) where status = 'PENDING'"
    )
    op.execute("create index delivery_workspace on delivery (workspace_id, delivery_id)")
    op.execute("create index delivery_automation on delivery (automation_id, delivery_id)")
    op.execute("create index delivery_event on delivery (event_id) where event_id is not null")
    op.execute("create index delivery_ended on delivery (ended_at) where ended_at is not null")


def downgrade() -> None:
    with acting_as("notification"):
        for table in ("cursor", "delivery", "bucket", "catalogue", "automation", "event"):
            op.execute(f"drop table {table}")
        drop_service_lease()
        drop_outbox()
