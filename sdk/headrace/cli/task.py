"""`headrace task ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import background_task_pb2
from headrace.background import serve_tasks
from headrace.cli import lookup, output
from headrace.engine.definitions import TaskDefinition
from headrace.engine.loading import load_tasks


@click.group("task")
def command() -> None:
    """Serve background tasks, and see who does."""


@command.command("serve")
@click.argument("entrypoints", nargs=-1, required=True, metavar="ENTRYPOINT...")
@click.option("-l", "--limit", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Calls at once.")
@click.option("-n", "--name", metavar="NAME", help="The server's name; made from host and process if not given.")
def serve(entrypoints: tuple[str, ...], limit: int, name: str | None) -> None:
    """Execute queued calls of tasks.

    ENTRYPOINT is file.py:task, module:task, or a file or module alone for all of its tasks. Ctrl-C lets what has begun
    finish; a second one gives it to another server.
    """
    tasks: dict[str, TaskDefinition] = {}
    for entrypoint in entrypoints:
        for task in load_tasks(entrypoint):
            tasks.setdefault(task.facts.task_key, task)
    for key in sorted(tasks):
        output.note(f"Serving {key}")
    serve_tasks(*tasks.values(), limit=limit, name=name)


@command.command("ls")
@output.output_option
def list_servers(as_json: bool) -> None:
    """List the servers of background tasks, and what waits for each task."""
    found = lookup.client().background_tasks.GetTaskServing(background_task_pb2.GetTaskServingRequest())
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Task servers",
        ["NAME", ("TASKS", {"ratio": 1}), "RUNNING", "SINCE", "SEEN"],
        [
            [
                server.name,
                ", ".join(server.task_keys),
                f"{server.running}/{server.slots}",
                output.ago(server.connected_at),
                output.ago(server.seen_at),
            ]
            for server in found.task_servers
        ],
    )
    output.print_table(
        "Tasks",
        [("TASK", {"ratio": 1}), "WAITING", "RUNNING"],
        [[each.task_key, each.waiting, each.running] for each in found.backlogs],
    )


@command.command("cancel")
@click.argument("task_run_id")
def cancel(task_run_id: str) -> None:
    """Cancel a background task run."""
    request = background_task_pb2.CancelBackgroundTaskRequest(task_run_id=task_run_id)
    is_over = lookup.client().background_tasks.CancelBackgroundTask(request).is_over
    output.done("It is over." if is_over else "The server that executes it was told to end it.")
