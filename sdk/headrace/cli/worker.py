"""`headrace worker ...`."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time

import click

from headrace import errors
from headrace.api.v1 import work_pool_pb2
from headrace.cli import lookup, output, parameters, worker_display
from headrace.client.discovery import System
from headrace.client.resolve import resolve_system
from headrace.settings import Settings, get_settings
from headrace.worker.runner import WorkerOptions
from headrace.worker.service import choose_launcher, container_launcher, run_worker

_ALIVE = [
    work_pool_pb2.WORKER_STATUS_ONLINE,
    work_pool_pb2.WORKER_STATUS_PAUSED,
    work_pool_pb2.WORKER_STATUS_DRAINING,
]
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_STATUS_WORDS = {
    work_pool_pb2.WORKER_STATUS_ONLINE: "online",
    work_pool_pb2.WORKER_STATUS_DRAINING: "draining",
    work_pool_pb2.WORKER_STATUS_PAUSED: "paused",
    work_pool_pb2.WORKER_STATUS_OFFLINE: "offline",
}


@click.group("worker")
def command() -> None:
    """Start and see workers."""


@command.command("start")
@click.option("-p", "--pool", required=True, metavar="NAME", help="The work pool to take runs from.")
@click.option(
    "-q", "--work-queue", "queues", multiple=True, metavar="NAME", help="Only from this queue; may be repeated."
)
@click.option("-n", "--name", metavar="NAME", help="The worker's name; made from host and process if not given.")
@click.option(
    "-t",
    "--type",
    "worker_type",
    type=click.Choice(["process", "docker", "kubernetes"]),
    default="process",
    help="The kind of worker.",
)
@click.option("-l", "--limit", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Runs at once.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="What runs can ask for; may be repeated.")
@click.option("--create-pool/--no-create-pool", default=True, show_default=True, help="Create a missing pool.")
@click.option("--fresh-interpreter", is_flag=True, help="Start each run in a new interpreter, not from a warm one.")
@click.option(
    "--preload",
    "preload",
    multiple=True,
    metavar="MODULE",
    envvar="HEADRACE_WORKER_PRELOAD",
    help="Import this once, before runs are forked, such as the packages that flows need; may be repeated.",
)
@click.option("--with-healthcheck", is_flag=True, help="Answer GET /health and GET /ready over HTTP.")
@click.option(
    "--health-host", default="0.0.0.0", show_default=True, envvar="HEADRACE_WORKER_HEALTH_HOST", help="Where to answer."
)
@click.option(
    "--health-port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    envvar="HEADRACE_WORKER_HEALTH_PORT",
    help="On which port; 0 lets the system choose.",
)
def start_worker(
    pool: str,
    queues: tuple[str, ...],
    name: str | None,
    worker_type: str,
    limit: int,
    labels: tuple[str, ...],
    create_pool: bool,
    fresh_interpreter: bool,
    preload: tuple[str, ...],
    with_healthcheck: bool,
    health_host: str,
    health_port: int,
) -> None:
    """Take runs from a work pool and execute each in a process, container or job of its own.

    Ctrl-C lets the runs finish; a second one stops them. SIGUSR1 pauses the worker, SIGUSR2 lets it go on.
    """
    logging.basicConfig(level=get_settings().logging_level, format="%(asctime)s %(levelname)-7s %(message)s")
    options = WorkerOptions(
        name=name or f"{socket.gethostname()}-{os.getpid()}",
        work_pool_name=pool,
        work_queue_names=queues,
        type=worker_type,
        create_pool=create_pool,
        capacity=limit,
        labels=parameters.parse(labels, None),
    )
    settings = get_settings()
    system = _wait_for_server(settings)
    launcher = (
        choose_launcher(fresh_interpreter=fresh_interpreter, preload=preload)
        if worker_type == "process"
        else container_launcher(options, system, settings)
    )
    greeting = f"Worker '{options.name}' takes up to {limit} runs at once from '{pool}' at {system.api_url}"
    health = (health_host, health_port) if with_healthcheck else None
    with worker_display.display(greeting, output.console) as shown:
        asyncio.run(run_worker(options, system, settings, launcher, on_change=shown.show, health_address=health))
    output.console.print("The worker has left.")


def _wait_for_server(settings: Settings) -> System:
    """Return the server as soon as it answers: workers and servers may be started in any order."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return resolve_system(settings)
        except errors.Unavailable as error:
            output.note(f"{error} Trying again.")
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


@command.command("ls")
@click.option("-p", "--pool", default="", metavar="NAME", help="Only workers of this pool.")
@click.option("--all", "everything", is_flag=True, help="Workers that are gone, too.")
@output.output_option
def list_workers(pool: str, everything: bool, as_json: bool) -> None:
    """List workers."""
    stub = lookup.client().work_pools
    statuses = [] if everything else _ALIVE

    def page(token: str, size: int) -> work_pool_pb2.ListWorkersResponse:
        return stub.ListWorkers(
            work_pool_pb2.ListWorkersRequest(work_pool_name=pool, statuses=statuses, page_size=size, page_token=token)
        )

    workers = list(lookup.pages(page, "workers", 0))
    if as_json:
        output.print_json(workers)
        return
    output.print_table(
        "Workers",
        [("NAME", {"ratio": 2}), ("POOL", {"ratio": 1}), "STATUS", "RUNS", "ID"],
        [
            [
                item.name,
                item.work_pool_name or "(serves)",
                _STATUS_WORDS.get(item.status, ""),
                f"{len(item.flow_run_ids)}/{item.capacity}",
                item.worker_id,
            ]
            for item in workers
        ],
    )


@command.command("drain")
@click.argument("worker")
def drain_worker(worker: str) -> None:
    """Let a worker finish what it runs and take nothing new. WORKER is an id, or a name that one worker has."""
    lookup.client().work_pools.DrainWorker(work_pool_pb2.DrainWorkerRequest(worker_id=_id_of(worker)))
    output.done("The worker was told to drain.")


@command.command("pause")
@click.argument("worker")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who look; says who asked if not given.")
def pause_worker(worker: str, reason: str) -> None:
    """Let a worker take nothing new until it is resumed; what it runs goes on. WORKER is an id or a name.

    It stays paused when it connects anew.
    """
    request = work_pool_pb2.PauseWorkerRequest(worker_id=_id_of(worker), reason=reason)
    lookup.client().work_pools.PauseWorker(request)
    output.done("The worker was told to pause.")


@command.command("resume")
@click.argument("worker")
def resume_worker(worker: str) -> None:
    """Let a paused worker take runs again. WORKER is an id, or a name that one worker has."""
    lookup.client().work_pools.ResumeWorker(work_pool_pb2.ResumeWorkerRequest(worker_id=_id_of(worker)))
    output.done("The worker was told to go on.")


def _id_of(name: str) -> str:
    if lookup.is_id(name):
        return name
    request = work_pool_pb2.ListWorkersRequest(statuses=_ALIVE)

    def page(token: str, size: int) -> work_pool_pb2.ListWorkersResponse:
        request.page_token, request.page_size = token, size
        return lookup.client().work_pools.ListWorkers(request)

    named = [found for found in lookup.pages(page, "workers", 0) if found.name == name]
    if not named:
        raise errors.NotFound(f"There is no worker '{name}' online; 'headrace worker ls --all' shows all.")
    if len(named) > 1:
        raise errors.InvalidArgument(f"{len(named)} workers are named '{name}'; give the id of one.")
    return str(named[0].worker_id)
