"""`headrace work-pool ...`."""

from __future__ import annotations

import datetime
import json
import pathlib
from typing import Any

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, work_pool_pb2
from headrace.cli import lookup, moments, output
from headrace.cli.work_queue import queue

_STATUS_WORDS = {
    work_pool_pb2.WORK_POOL_STATUS_READY: "ready",
    work_pool_pb2.WORK_POOL_STATUS_NOT_READY: "not ready",
    work_pool_pb2.WORK_POOL_STATUS_PAUSED: "paused",
}


@click.group("work-pool")
def command() -> None:
    """See and change work pools and their queues."""


command.add_command(queue)


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_work_pools(limit: int, as_json: bool) -> None:
    """List work pools by name."""
    stub = lookup.client().work_pools

    def page(token: str, size: int) -> work_pool_pb2.ListWorkPoolsResponse:
        return stub.ListWorkPools(work_pool_pb2.ListWorkPoolsRequest(page_size=size, page_token=token))

    pools = list(lookup.pages(page, "work_pools", limit))
    if as_json:
        output.print_json(pools)
        return
    output.print_table(
        "Work pools",
        [("NAME", {"ratio": 1}), "TYPE", "STATUS", "SLOTS", "ID"],
        [[pool.name, pool.type, _STATUS_WORDS.get(pool.status, ""), _slots(pool), pool.work_pool_id] for pool in pools],
    )


def _slots(pool: work_pool_pb2.WorkPool) -> str:
    return f"{pool.active_slots}/{pool.concurrency_limit if pool.HasField('concurrency_limit') else '∞'}"


@command.command("create")
@click.argument("name")
@click.option("-t", "--type", "pool_type", default="process", show_default=True, help="The kind of workers.")
@click.option("--description", default="", help="What it is for.")
@click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
@click.option("--paused", is_flag=True, help="Claim nothing from it yet.")
@click.option(
    "--base-job-template",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON file in place of the type's template.",
)
@output.output_option
def create_work_pool(
    name: str,
    pool_type: str,
    description: str,
    concurrency_limit: int | None,
    paused: bool,
    base_job_template: pathlib.Path | None,
    as_json: bool,
) -> None:
    """Create a work pool."""
    stub = lookup.client().work_pools
    if base_job_template is None:
        # Whoever has workers of a type of their own has a template for them, too.
        asked = work_pool_pb2.GetDefaultBaseJobTemplateRequest(type=pool_type)
        known = stub.GetDefaultBaseJobTemplate(asked).known_types
        if pool_type not in known:
            raise errors.InvalidArgument(
                f"There is no type '{pool_type}' of workers; there are {', '.join(known)}."
                " For one of your own give --base-job-template."
            )
    pool = work_pool_pb2.WorkPool(
        name=name, type=pool_type, description=description, paused=paused, concurrency_limit=concurrency_limit
    )
    if base_job_template is not None:
        pool.base_job_template.update(_read_template(base_job_template))
    request = work_pool_pb2.CreateWorkPoolRequest(work_pool=pool)
    created = stub.CreateWorkPool(request).work_pool
    if as_json:
        output.print_json(created)
    else:
        output.done(f"Work pool '{name}' created. Start a worker with: headrace worker start --pool {name}")


def _read_template(path: pathlib.Path) -> dict[str, Any]:
    try:
        template = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise errors.InvalidArgument(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(template, dict):
        raise errors.InvalidArgument(f"{path} must hold a JSON object.")
    return template


@command.command("get-default-base-job-template")
@click.option("-t", "--type", "pool_type", default="process", show_default=True, help="The kind of workers.")
@click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    help="Write it here instead of showing it; give the edited file to `create --base-job-template`.",
)
def get_default_base_job_template(pool_type: str, file: pathlib.Path | None) -> None:
    """Show the base job template that a work pool of a type begins with, as JSON."""
    request = work_pool_pb2.GetDefaultBaseJobTemplateRequest(type=pool_type)
    answer = lookup.client().work_pools.GetDefaultBaseJobTemplate(request)
    if pool_type not in answer.known_types:
        output.note(
            f"No worker of the type '{pool_type}' comes with Headrace; there are {', '.join(answer.known_types)}."
        )
    template = output.to_plain(answer)["base_job_template"]
    if file is None:
        output.print_json(template)
        return
    file.write_text(json.dumps(template, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    output.done(f"Written to {file}.")


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_work_pool(name: str, as_json: bool) -> None:
    """Show one work pool."""
    pool = _get(name)
    if as_json:
        output.print_json(pool)
        return
    output.print_fields(
        f"Work pool {pool.name}",
        [
            ("id", pool.work_pool_id),
            ("type", pool.type),
            ("status", _STATUS_WORDS.get(pool.status, "")),
            ("description", pool.description),
            ("slots", _slots(pool)),
            ("base job template", output.to_plain(pool).get("base_job_template")),
            ("created", output.moment(pool.created_at)),
            ("updated", output.moment(pool.updated_at)),
        ],
    )


def _get(name: str) -> work_pool_pb2.WorkPool:
    request = work_pool_pb2.GetWorkPoolRequest(work_pool_name=name)
    return lookup.client().work_pools.GetWorkPool(request).work_pool


@command.command("update")
@click.argument("name")
@click.option("--description", default=None, help="What it is for.")
@click.option(
    "--base-job-template",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="A JSON file in place of its template.",
)
@click.option("--concurrency-limit", type=click.IntRange(0), metavar="N", help="How many runs at once.")
@click.option("--queue-policy", type=click.Choice(["weighted", "strict"]), help="How its queues share its workers.")
@click.option(
    "--start-timeout", metavar="SPAN", help="How long infrastructure may take to start, e.g. 5m; 0s: any time."
)
@output.output_option
def update_work_pool(
    name: str,
    description: str | None,
    base_job_template: pathlib.Path | None,
    concurrency_limit: int | None,
    queue_policy: str | None,
    start_timeout: str | None,
    as_json: bool,
) -> None:
    """Change a work pool."""
    wanted = work_pool_pb2.WorkPool(name=name)
    paths = []
    if description is not None:
        wanted.description = description
        paths.append("description")
    if base_job_template is not None:
        wanted.base_job_template.update(_read_template(base_job_template))
        paths.append("base_job_template")
    if concurrency_limit is not None:
        wanted.concurrency_limit = concurrency_limit
        paths.append("concurrency_limit")
    if queue_policy is not None:
        wanted.queue_policy = work_pool_pb2.QueuePolicy.Value(f"QUEUE_POLICY_{queue_policy.upper()}")
        paths.append("queue_policy")
    if start_timeout is not None:
        # Named by the mask and left unset, it is taken away.
        if span := moments.parse_span(start_timeout):
            wanted.start_timeout.FromTimedelta(span)
        paths.append("start_timeout")
    if not paths:
        raise click.UsageError("Nothing to change: see --help.")
    request = work_pool_pb2.UpdateWorkPoolRequest(work_pool=wanted, update_mask=FieldMask(paths=paths))
    changed = lookup.client().work_pools.UpdateWorkPool(request).work_pool
    if as_json:
        output.print_json(changed)
    else:
        output.done(f"Work pool '{name}' changed.")


@command.command("preview")
@click.argument("name")
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only runs of this queue; may be repeated.")
@click.option("--within", metavar="SPAN", default="1h", show_default=True, help="How far to look ahead, e.g. 30m.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def preview_work_pool(name: str, queues: tuple[str, ...], within: str, limit: int, as_json: bool) -> None:
    """List the runs that are due in a work pool, or will be, the first ones first."""
    pool = _get(name)
    chosen = flow_run_pb2.FlowRunFilter(
        work_pool_ids=[pool.work_pool_id], work_queue_names=queues, state_types=[state_pb2.STATE_TYPE_SCHEDULED]
    )
    chosen.next_scheduled_start.until.FromDatetime(datetime.datetime.now(datetime.UTC) + moments.parse_span(within))
    stub = lookup.client().flow_runs

    def page(token: str, size: int) -> flow_run_pb2.ListFlowRunsResponse:
        return stub.ListFlowRuns(
            flow_run_pb2.ListFlowRunsRequest(
                filter=chosen,
                sort=flow_run_pb2.FLOW_RUN_SORT_NEXT_SCHEDULED_START_ASC,
                page_size=size,
                page_token=token,
            )
        )

    runs = list(lookup.pages(page, "flow_runs", limit))
    if as_json:
        output.print_json(runs)
        return
    output.print_table(
        f"Runs to come in {name}",
        [("NAME", {"ratio": 2}), ("DEPLOYMENT", {"ratio": 2}), ("QUEUE", {"ratio": 1}), "STATE", "DUE"],
        [
            [
                run.name,
                f"{run.flow_name}/{run.deployment_name}" if run.deployment_name else run.flow_name,
                run.work_queue_name,
                output.state_text(run.state),
                output.ago(run.next_scheduled_start_at),
            ]
            for run in runs
        ],
    )


@command.command("pause")
@click.argument("name")
def pause_work_pool(name: str) -> None:
    """Claim nothing more from a work pool."""
    _update(work_pool_pb2.WorkPool(name=name, paused=True), "paused")
    output.done(f"Work pool '{name}' is paused.")


@command.command("resume")
@click.argument("name")
def resume_work_pool(name: str) -> None:
    """Claim from a work pool again."""
    _update(work_pool_pb2.WorkPool(name=name, paused=False), "paused")
    output.done(f"Work pool '{name}' goes on.")


@command.command("set-concurrency-limit")
@click.argument("name")
@click.argument("limit", type=click.IntRange(0))
def set_concurrency_limit(name: str, limit: int) -> None:
    """Limit how many runs of a work pool run at once."""
    _update(work_pool_pb2.WorkPool(name=name, concurrency_limit=limit), "concurrency_limit")
    output.done(f"Work pool '{name}' runs at most {limit} at once.")


@command.command("clear-concurrency-limit")
@click.argument("name")
def clear_concurrency_limit(name: str) -> None:
    """Let any number of runs of a work pool run at once."""
    _update(work_pool_pb2.WorkPool(name=name), "concurrency_limit")
    output.done(f"Work pool '{name}' runs any number at once.")


def _update(pool: work_pool_pb2.WorkPool, *paths: str) -> None:
    lookup.client().work_pools.UpdateWorkPool(
        work_pool_pb2.UpdateWorkPoolRequest(work_pool=pool, update_mask=FieldMask(paths=paths))
    )


@command.command("delete")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_work_pool(name: str, yes: bool) -> None:
    """Delete a work pool with its queues."""
    if not yes:
        click.confirm(f"Delete the work pool '{name}'?", abort=True)
    lookup.client().work_pools.DeleteWorkPool(work_pool_pb2.DeleteWorkPoolRequest(work_pool_name=name))
    output.done(f"Work pool '{name}' deleted.")
