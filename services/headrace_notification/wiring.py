"""How the parts of the notification service are put together."""

from __future__ import annotations

import uuid

from headrace_chassis.leases import ServiceLease
from headrace_chassis.outbox import outbox_channel
from headrace_chassis.partitions import PartitionedTable, PartitionKeeper
from headrace_chassis.secrets import SecretBox
from headrace_chassis.service import Service, ServiceContext
from headrace_notification.loops.deliver import DeliverLoop
from headrace_notification.loops.evaluate import EvaluateLoop, TimerLoop
from headrace_notification.loops.follow import FollowLoop
from headrace_notification.loops.measure import MeasureLoop
from headrace_notification.loops.sweep import SweepLoop
from headrace_notification.neighbours.measures import NeighbourMeasures
from headrace_notification.neighbours.outboxes import OutboxSource
from headrace_notification.neighbours.runs import NeighbourRuns
from headrace_notification.neighbours.webhooks import HttpSender
from headrace_notification.queries.automations import Automations
from headrace_notification.queries.deliveries import Deliveries, Sweeper
from headrace_notification.queries.evaluation import DELIVERIES_CHANNEL, Evaluation
from headrace_notification.queries.events import Events
from headrace_notification.queries.tail import OutboxTail
from headrace_notification.servicers.automations import AutomationServicer
from headrace_notification.servicers.events import EventServicer
from headrace_notification.usecases.catalogue import Catalogue
from headrace_notification.usecases.delivering import Delivering
from headrace_notification.usecases.measuring import Measuring
from headrace_notification.usecases.own_actions import OwnActions

SOURCES = {
    "state": ("flow-run.state", "task-run.states"),
    "scheduler": ("deployment", "work-pool", "work-queue", "worker", "backfill", "service-level"),
}
"""Whose outboxes are followed, and which kinds of entries."""

LEASE_SECONDS = 6.0
"""After a process died, so long passes until another one follows and evaluates in its place."""

CLAIM_SHARE = 2.0
"""A try ends within this part of the time for which its delivery is claimed."""


async def build(context: ServiceContext) -> Service:
    """Return the notification service."""
    database, wakeups, settings = context.database, context.wakeups, context.settings
    secrets = SecretBox.of_settings(settings)
    automations = Automations(database)
    catalogue = Catalogue(automations)
    leases = {name: ServiceLease(database, f"follow-{name}", context.holder, LEASE_SECONDS) for name in SOURCES}
    events = Events(database, wakeups, leases)
    tail = OutboxTail(database, wakeups, events)
    evaluation_lease = ServiceLease(database, "evaluate", context.holder, LEASE_SECONDS)
    evaluation = Evaluation(database, wakeups, evaluation_lease)
    deliveries = Deliveries(database, wakeups, claim_seconds=settings.delivery_claim_seconds)
    sender = HttpSender(timeout_seconds=settings.delivery_claim_seconds / CLAIM_SHARE, now=context.clock.now)
    own = OwnActions(automations, events, context.clock.now)
    delivering = Delivering(deliveries, secrets, sender, NeighbourRuns(context.channel), own, context.clock.now)

    def wants_name(workspace_id: uuid.UUID, name: str) -> bool:
        return settings.task_run_events == "all" or catalogue.wants_name(workspace_id, name)

    following = [
        FollowLoop(
            OutboxSource(name, context.channel, kinds, catalogue.refresh, wants_name, context.clock.now),
            events,
            leases[name],
        )
        for name, kinds in SOURCES.items()
    ]

    async def close() -> None:
        await tail.close()
        await sender.close()

    return Service(
        servicers=[
            EventServicer(events, tail, context.clock),
            AutomationServicer(automations, deliveries, secrets, context.clock, events),
        ],
        loops=[
            *following,
            EvaluateLoop(evaluation, catalogue, evaluation_lease, wakeups, outbox_channel(database.schema)),
            TimerLoop(evaluation, catalogue),
            MeasureLoop(
                Measuring(evaluation, catalogue, NeighbourMeasures(context.channel)),
                context.clock,
                ServiceLease(database, "measure", context.holder, LEASE_SECONDS),
                settings.metric_interval_seconds,
            ),
            DeliverLoop(deliveries, delivering, wakeups, DELIVERIES_CHANNEL),
            SweepLoop(Sweeper(database)),
            PartitionKeeper(
                database,
                [
                    PartitionedTable("event", settings.history_retention_days),
                    PartitionedTable("outbox", settings.outbox_retention_days),
                ],
                clock=context.clock,
            ),
        ],
        close=close,
    )
