"""Puts the adapter together; the one place that knows all resources and sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc.aio

from headrace_chassis.settings import ServerSettings
from headrace_prefect.application import Application, Limits
from headrace_prefect.resources import (
    admin,
    artifacts,
    automations,
    block_documents,
    block_types,
    cloud,
    deployment_runs,
    deployments,
    events,
    flow_run_inputs,
    flow_run_states,
    flow_run_views,
    flow_runs,
    flows,
    limits,
    logs,
    polling,
    root,
    tag_limits,
    task_runs,
    task_workers,
    ui,
    variables,
    work_pools,
    work_queues,
)
from headrace_prefect.resources.routes import Route
from headrace_prefect.services import Services
from headrace_prefect.sockets import events_in, outs, scheduled_tasks, worker_channel
from headrace_prefect.sockets.socket import SocketRoute

ROUTES: tuple[Route, ...] = (
    *admin.ROUTES,
    *artifacts.ROUTES,
    *automations.ROUTES,
    *block_documents.ROUTES,
    *block_types.ROUTES,
    *cloud.ROUTES,
    *deployment_runs.ROUTES,
    *deployments.ROUTES,
    *events.ROUTES,
    *flow_run_inputs.ROUTES,
    *flow_run_states.ROUTES,
    *flow_run_views.ROUTES,
    *flow_runs.ROUTES,
    *flows.ROUTES,
    *limits.ROUTES,
    *logs.ROUTES,
    *polling.ROUTES,
    *root.ROUTES,
    *tag_limits.ROUTES,
    *task_runs.ROUTES,
    *task_workers.ROUTES,
    *ui.ROUTES,
    *variables.ROUTES,
    *work_pools.ROUTES,
    *work_queues.ROUTES,
)
"""All operations."""


def sockets(silence_seconds: float) -> tuple[SocketRoute, ...]:
    """Return all websockets, for runs that may be silent for so long after a sign of life."""
    return (
        *events_in.sockets(silence_seconds),
        *outs.SOCKETS,
        *scheduled_tasks.SOCKETS,
        *worker_channel.SOCKETS,
    )


def build(
    settings: ServerSettings,
    channel: Callable[[str], grpc.aio.Channel],
    readiness: Callable[[], Awaitable[list[str]]],
    internal_token: str | None = None,
) -> Application:
    """Return the adapter of a server process.

    Args:
        settings: How large requests may be, and how long calls may take.
        channel: Returns the channel to a service by name, which must not add the internal token.
        readiness: Returns what is not ready, in sentences.
        internal_token: Proves to services that the gateway tells where a request came from.
    """
    limits = Limits(settings.max_message_bytes, settings.default_deadline_seconds)
    return Application(
        Services(channel, limits.deadline_seconds),
        ROUTES,
        sockets(settings.prefect_silence_seconds),
        limits,
        readiness,
        internal_token,
    )
