"""How the parts of the notification service are put together."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from collections.abc import Awaitable, Callable

from headrace import errors
from headrace_chassis.addresses import AllowList
from headrace_chassis.egress import Egress
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_chassis.outbox import outbox_channel
from headrace_chassis.partitions import PartitionedTable, PartitionKeeper
from headrace_chassis.resolving import is_loopback
from headrace_chassis.secrets import SecretBox
from headrace_chassis.service import Service, ServiceContext
from headrace_chassis.settings import ServerSettings
from headrace_notification.loops.deliver import DeliverLoop
from headrace_notification.loops.evaluate import EvaluateLoop, TimerLoop
from headrace_notification.loops.follow import FollowLoop
from headrace_notification.loops.measure import MeasureLoop
from headrace_notification.loops.send import EscalateLoop, SendLoop
from headrace_notification.loops.sweep import SweepLoop
from headrace_notification.neighbours.logs import NeighbourLogs
from headrace_notification.neighbours.measures import NeighbourMeasures
from headrace_notification.neighbours.outboxes import OutboxSource
from headrace_notification.neighbours.runs import NeighbourRuns
from headrace_notification.neighbours.smtp import SmtpSender
from headrace_notification.neighbours.webhooks import HttpSender
from headrace_notification.queries.automations import Automations
from headrace_notification.queries.channel_deliveries import (
    CHANNELS_CHANNEL,
    ChannelDeliveries,
    ChannelQueue,
    Escalations,
)
from headrace_notification.queries.channels import Channels
from headrace_notification.queries.deliveries import Deliveries, Sweeper
from headrace_notification.queries.evaluation import DELIVERIES_CHANNEL, Evaluation
from headrace_notification.queries.events import Events
from headrace_notification.queries.tail import OutboxTail
from headrace_notification.queries.webhooks import Webhooks
from headrace_notification.servicers.automations import AutomationServicer
from headrace_notification.servicers.channel_deliveries import ChannelDeliveryServicer
from headrace_notification.servicers.channels import ChannelServicer
from headrace_notification.servicers.events import EventServicer
from headrace_notification.servicers.notification_policies import NotificationPolicyServicer
from headrace_notification.servicers.webhooks import WebhookServicer
from headrace_notification.usecases.acknowledging import Acknowledging
from headrace_notification.usecases.automations import drop_owned
from headrace_notification.usecases.built_in import BuiltIns
from headrace_notification.usecases.catalogue import Catalogue
from headrace_notification.usecases.delivering import Delivering
from headrace_notification.usecases.measuring import Measuring
from headrace_notification.usecases.notifying import Notifying
from headrace_notification.usecases.own_actions import OwnActions
from headrace_notification.usecases.sending import Sending
from headrace_notification.usecases.template_variables import TemplateVariables

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
    evaluation = Evaluation(database, wakeups, evaluation_lease, events)
    webhooks = Webhooks(database)
    deliveries = Deliveries(database, wakeups, events, claim_seconds=settings.delivery_claim_seconds)
    timeout_seconds = settings.delivery_claim_seconds / CLAIM_SHARE
    trusts_callers = settings.auth == "off" and is_loopback(settings.host)
    egress = Egress(_allow_list(settings), trusts_callers=trusts_callers)
    sender = HttpSender(timeout_seconds=timeout_seconds, now=context.clock.now, egress=egress)
    telling = _telling(context, secrets, timeout_seconds)
    own = OwnActions(automations, events, context.clock.now)
    runs = NeighbourRuns(context.channel)
    notifying = Notifying(telling.queue, runs, NeighbourLogs(context.channel), settings.public_url_or_default)
    variables = TemplateVariables(runs, settings.public_url_or_default)
    delivering = Delivering(deliveries, secrets, sender, runs, own, notifying, variables, context.clock.now)

    def wants_name(workspace_id: uuid.UUID, name: str) -> bool:
        return settings.task_run_events == "all" or catalogue.wants_name(workspace_id, name)

    following = [
        FollowLoop(
            OutboxSource(name, context.channel, kinds, catalogue.refresh, wants_name, context.clock.now),
            events,
            leases[name],
            functools.partial(drop_owned, automations),
        )
        for name, kinds in SOURCES.items()
    ]

    async def close() -> None:
        await tail.close()
        await sender.close()
        await telling.close()

    return Service(
        servicers=[
            EventServicer(events, tail, context.clock),
            AutomationServicer(automations, deliveries, secrets, context.clock, events, webhooks, telling.channels),
            NotificationPolicyServicer(automations, telling.channels, secrets, context.clock),
            WebhookServicer(webhooks, events, secrets, context.clock),
            *telling.servicers,
        ],
        loops=[
            *following,
            EvaluateLoop(
                evaluation,
                catalogue,
                evaluation_lease,
                wakeups,
                outbox_channel(database.schema),
                BuiltIns(automations, is_on=settings.built_in_automations),
            ),
            TimerLoop(evaluation, catalogue),
            MeasureLoop(
                Measuring(evaluation, catalogue, NeighbourMeasures(context.channel)),
                context.clock,
                ServiceLease(database, "measure", context.holder, LEASE_SECONDS),
                settings.metric_interval_seconds,
            ),
            *telling.loops,
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


@dataclasses.dataclass(frozen=True, slots=True)
class _Telling:
    """The parts that tell channels what happened."""

    queue: ChannelQueue
    channels: Channels
    servicers: list[ChannelServicer | ChannelDeliveryServicer]
    loops: list[Loop]
    close: Callable[[], Awaitable[None]]


def _telling(context: ServiceContext, secrets: SecretBox, timeout_seconds: float) -> _Telling:
    database, wakeups, settings = context.database, context.wakeups, context.settings
    # What is configured once and called by itself reaches private addresses by the allow-list alone.
    egress = Egress(_allow_list(settings))
    http = HttpSender(timeout_seconds=timeout_seconds, now=context.clock.now, egress=egress)
    channels = Channels(database, wakeups)
    queue = ChannelQueue(database, wakeups)
    deliveries = ChannelDeliveries(database, wakeups, claim_seconds=settings.delivery_claim_seconds)
    acknowledging = Acknowledging(deliveries, secrets, settings.public_url_or_default)
    sending = Sending(
        deliveries,
        channels,
        secrets,
        http,
        SmtpSender(timeout_seconds=timeout_seconds, egress=egress),
        acknowledging,
        context.clock.now,
    )
    return _Telling(
        queue,
        channels,
        [ChannelServicer(channels, queue, secrets, sending), ChannelDeliveryServicer(deliveries, acknowledging)],
        [SendLoop(deliveries, sending, wakeups, CHANNELS_CHANNEL), EscalateLoop(Escalations(database, queue))],
        http.close,
    )


def _allow_list(settings: ServerSettings) -> AllowList:
    try:
        return AllowList.of(settings.egress_allow)
    except ValueError as error:
        raise errors.InvalidArgument.of_field("HEADRACE_SERVER_EGRESS_ALLOW", str(error)) from None
