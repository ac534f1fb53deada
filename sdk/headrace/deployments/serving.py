"""Serves deployments: this process takes their runs and executes each in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import headrace
from headrace import errors
from headrace.api.v1 import automation_pb2, deployment_pb2
from headrace.client.core import AsyncClient, open_async
from headrace.client.discovery import System
from headrace.client.resolve import resolve_system
from headrace.deployments.definition import DeploymentDefinition, to_deployment
from headrace.deployments.triggers import Trigger, automations_of, call_of, listing, requests_for
from headrace.engine.definitions import TaskDefinition
from headrace.settings import Settings, get_settings
from headrace.worker.runner import WorkerOptions
from headrace.worker.service import choose_launcher, run_worker

if TYPE_CHECKING:
    from headrace.flows import Flow
    from headrace.tasks import Task

logger = logging.getLogger("headrace.worker")


def serve(
    *served: DeploymentDefinition | Flow[..., Any] | Task[..., Any],
    name: str | None = None,
    limit: int = 10,
    pause_on_shutdown: bool = True,
    fresh_interpreter: bool = False,
    **options: Any,
) -> None:
    """Create or update deployments and run them here until Ctrl-C or SIGTERM; runs that have begun are finished.

    Tasks are served in the same way: calls that were queued for them are executed here.

    Args:
        served: Deployments of `to_deployment`, or one flow with the options of `to_deployment`, or tasks.
        name: With a flow: the deployment's name; the name of the script if not given.
        limit: How many runs at once.
        pause_on_shutdown: Whether schedules stop when this process does, so that no late runs pile up.
        fresh_interpreter: Start each run in a new interpreter, not from a warm one.
        options: With a flow: as of `to_deployment`.

    Raises:
        errors.HeadraceError: A value is wrong, or there is no server; the message says what to do.
    """
    if _is_on_loop():
        raise errors.FailedPrecondition(
            "serve() blocks the event loop that it is called on; use `await aserve(...)` of headrace.deployments",
            reason="ON_EVENT_LOOP",
        )
    tasks = [item for item in served if isinstance(item, TaskDefinition)]
    if tasks:
        if len(tasks) < len(served):
            raise errors.InvalidArgument("Serve either tasks or deployments; each has a process of its own.")
        headrace.background.serve_tasks(*tasks, limit=limit, name=name)
        return
    asyncio.run(
        aserve(
            *served,
            name=name,
            limit=limit,
            pause_on_shutdown=pause_on_shutdown,
            fresh_interpreter=fresh_interpreter,
            **options,
        )
    )


async def aserve(
    *served: DeploymentDefinition | Flow[..., Any] | Task[..., Any],
    name: str | None = None,
    limit: int = 10,
    pause_on_shutdown: bool = True,
    fresh_interpreter: bool = False,
    **options: Any,
) -> None:
    """Create or update deployments and run them, on this event loop, until Ctrl-C or SIGTERM; as `serve`.

    Whoever cancels it does not wait for runs that have begun: they are ended, and tried again by their policies.
    """
    deployed = [item for item in served if not isinstance(item, TaskDefinition)]
    if len(deployed) < len(served):
        raise errors.InvalidArgument("Tasks are served by `serve`, in a process of their own.")
    definitions = [
        item if isinstance(item, DeploymentDefinition) else to_deployment(item, name or _script_name(), **options)
        for item in deployed
    ]
    if not definitions:
        raise errors.InvalidArgument("Nothing to serve: give at least one deployment.")
    if (name or options) and any(isinstance(item, DeploymentDefinition) for item in deployed):
        raise errors.InvalidArgument("name and options go with a flow; give them to to_deployment instead.")
    pools = sorted({definition.work_pool_name for definition in definitions if definition.work_pool_name})
    if pools:
        raise errors.InvalidArgument(f"Deployments of a work pool ({', '.join(pools)}) are run by workers; use deploy.")
    settings = get_settings()
    if not logging.getLogger().handlers:
        logging.basicConfig(level=settings.logging_level, format="%(asctime)s %(levelname)-7s %(message)s")
    system = await asyncio.to_thread(resolve_system, settings, may_start=True)
    await _serve(definitions, system, settings, limit, pause_on_shutdown, fresh_interpreter)


async def _serve(
    definitions: list[DeploymentDefinition],
    system: System,
    settings: Settings,
    limit: int,
    pause_on_shutdown: bool,
    fresh_interpreter: bool,
) -> None:
    ids = []
    async with open_async(system, settings) as client:
        for definition in definitions:
            request = definition.to_request()
            if pause_on_shutdown and definition.paused is None:
                # What the last shutdown paused.
                request.paused = False
            response = await client.deployments.ApplyDeployment(request)
            ids.append(response.deployment.deployment_id)
            if definition.triggers is not None:
                await _apply_triggers(client, response.deployment, definition.triggers)
            sys.stderr.write(f"Serving {definition.flow.name}/{definition.name}. Run it with: ")
            sys.stderr.write(f"headrace deployment run '{definition.flow.name}/{definition.name}'\n")
    worker = WorkerOptions(
        name=f"serve-{socket.gethostname()}-{os.getpid()}",
        deployment_ids=ids,
        type="serve",
        create_pool=False,
        capacity=limit,
    )
    try:
        await run_worker(worker, system, settings, choose_launcher(fresh_interpreter=fresh_interpreter))
    finally:
        if pause_on_shutdown:
            await _pause(ids, system, settings)


async def _apply_triggers(
    client: AsyncClient, deployment: deployment_pb2.Deployment, triggers: Sequence[Trigger]
) -> None:
    wanted = automations_of(triggers, f"{deployment.flow_name}/{deployment.name}", deployment.deployment_id)
    existing: list[automation_pb2.Automation] = []
    request = listing(deployment.deployment_id)
    while True:
        page = await client.automations.ListAutomations(request)
        existing.extend(page.automations)
        if not page.next_page_token:
            break
        request = listing(deployment.deployment_id, page.next_page_token)
    for change in requests_for(existing, wanted):
        await call_of(client.automations, change)(change)


async def _pause(ids: list[str], system: System, settings: Settings) -> None:
    try:
        async with open_async(system, settings) as client:
            for deployment_id in ids:
                await client.deployments.PauseDeployment(
                    deployment_pb2.PauseDeploymentRequest(deployment_id=deployment_id)
                )
        sys.stderr.write("The schedules of what was served here are paused until it is served again.\n")
    except errors.HeadraceError as error:
        logger.warning("The schedules could not be paused: %s", error)


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _script_name() -> str:
    return os.path.splitext(os.path.basename(sys.argv[0] or "flow"))[0] or "flow"
