"""`headrace deployment ...`."""

from __future__ import annotations

import datetime
import pathlib

import click

from headrace.api.v1 import deployment_pb2, flow_run_pb2
from headrace.cli import deployment_version, lookup, moments, output, parameters, service_level, watching
from headrace.cli.deployment_schedule import rule_words, schedule
from headrace.ids import uuid7


@click.group("deployment")
def command() -> None:
    """See, run, pause and delete deployments. NAME is flow/deployment or an id."""


command.add_command(schedule)
command.add_command(service_level.sla)
for versioning in deployment_version.commands:
    command.add_command(versioning)


@command.command("ls")
@click.option("--name", metavar="TEXT", help="Only deployments with this in their name or their flow's.")
@click.option("--tag", "tags", multiple=True, help="Only deployments with this tag; may be repeated.")
@click.option("--pool", "pools", multiple=True, help="Only deployments of this work pool; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_deployments(
    name: str | None, tags: tuple[str, ...], pools: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """List deployments, newest first."""
    stub = lookup.client().deployments
    chosen = deployment_pb2.DeploymentFilter(name_contains=name or "", tags_all=tags, work_pool_names=pools)

    def page(token: str, size: int) -> deployment_pb2.ListDeploymentsResponse:
        request = deployment_pb2.ListDeploymentsRequest(filter=chosen, page_size=size, page_token=token)
        return stub.ListDeployments(request)

    found = list(lookup.pages(page, "deployments", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Deployments",
        [("NAME", {"ratio": 2, "overflow": "fold", "no_wrap": False}), "STATUS", ("SCHEDULES", {"ratio": 1}), "POOL"],
        [
            [
                f"{item.flow_name}/{item.name}",
                _status(item),
                ", ".join(rule_words(entry.rule) for entry in item.schedules if entry.active),
                item.content.work_pool_name or "(served)",
            ]
            for item in found
        ],
    )


def _status(item: deployment_pb2.Deployment) -> str:
    if item.paused:
        return "paused"
    return "ready" if item.status == deployment_pb2.DEPLOYMENT_STATUS_READY else "not ready"


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_deployment(name: str, as_json: bool) -> None:
    """Show one deployment."""
    found = lookup.deployment(name)
    if as_json:
        output.print_json(found)
        return
    plain = output.to_plain(found)["content"]
    content = found.content
    output.print_fields(
        f"Deployment {found.flow_name}/{found.name}",
        [
            ("id", found.deployment_id),
            ("version", f"{found.version_number} {content.version}".strip()),
            ("status", _status(found)),
            ("description", content.description),
            ("tags", ", ".join(content.tags)),
            ("entrypoint", content.entrypoint),
            ("path", content.path),
            ("parameters", plain.get("parameters")),
            ("job variables", plain.get("job_variables")),
            ("work pool", content.work_pool_name),
            ("work queue", content.work_queue_name),
            ("concurrency", concurrency_words(found.concurrency)),
            *[("schedule", _schedule_words(entry)) for entry in found.schedules],
            ("created", output.moment(found.created_at)),
            ("updated", output.moment(found.updated_at)),
        ],
    )


def concurrency_words(limit: deployment_pb2.DeploymentConcurrency) -> str:
    """Return how many run at once, and what happens to more; empty if nothing limits them."""
    parts = [str(limit.limit)] if limit.HasField("limit") else []
    if limit.key:
        parts.append(f"{limit.key_limit if limit.HasField('key_limit') else 1} per {limit.key}")
    if limit.shared_limit_name:
        parts.append(f"shared limit {limit.shared_limit_name}")
    strategy = deployment_pb2.ConcurrencyStrategy.Name(limit.strategy).removeprefix("CONCURRENCY_STRATEGY_")
    more = "" if strategy == "UNSPECIFIED" else f" ({strategy.lower()})"
    return f"{', '.join(parts)}{more}" if parts else ""


def _schedule_words(entry: deployment_pb2.Schedule) -> str:
    following = output.moment(entry.next_at)
    state = "(paused)" if not entry.active else f"next {following}" if following else ""
    return f"{rule_words(entry.rule)}  {state}".rstrip()


@command.command("run")
@click.argument("name")
@click.option("-p", "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--params", "document", metavar="JSON", help="Parameters as a JSON object; - reads standard input.")
@click.option(
    "--params-file",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="Parameters as a JSON object in a file; --param goes before it.",
)
@click.option(
    "--job-variable", "variables", multiple=True, metavar="NAME=VALUE", help="A job variable; may be repeated."
)
@click.option("--start-in", "--in", "start_in", metavar="SPAN", help="Start after this time, e.g. 15m or 1h30m.")
@click.option("--start-at", "--at", "start_at", metavar="TIME", help="Start at this time, e.g. 2030-01-31T08:00.")
@click.option("--tag", "tags", multiple=True, help="A tag of the run; may be repeated.")
@click.option("--version", type=click.IntRange(1), metavar="NUMBER", help="A version other than the current one.")
@click.option("--flow-run-name", default="", help="The run's name.")
@click.option("--idempotency-key", default="", help="A second call with the same key returns the first run.")
@click.option("--watch", is_flag=True, help="Follow the run; exits with 6 unless it completes.")
@click.option("--watch-timeout", type=click.FloatRange(0), metavar="SECONDS", help="Stop following after this time.")
@output.output_option
def run_deployment(
    name: str,
    pairs: tuple[str, ...],
    document: str | None,
    params_file: pathlib.Path | None,
    variables: tuple[str, ...],
    start_in: str | None,
    start_at: str | None,
    tags: tuple[str, ...],
    version: int | None,
    flow_run_name: str,
    idempotency_key: str,
    watch: bool,
    watch_timeout: float | None,
    as_json: bool,
) -> int:
    """Start a run of a deployment."""
    if start_in and start_at:
        raise click.UsageError("--start-in and --start-at exclude each other.")
    if watch_timeout is not None and not watch:
        raise click.UsageError("--watch-timeout goes with --watch.")
    if params_file is not None:
        if document is not None:
            raise click.UsageError("--params and --params-file exclude each other.")
        document = params_file.read_text(encoding="utf-8")
    found = lookup.deployment(name)
    request = deployment_pb2.RunDeploymentRequest(
        deployment_id=found.deployment_id,
        flow_run_id=str(uuid7()),
        name=flow_run_name,
        tags=tags,
        idempotency_key=idempotency_key,
    )
    if version is not None:
        asked = deployment_pb2.GetDeploymentVersionRequest(deployment_id=found.deployment_id, number=version)
        answered = lookup.client().deployments.GetDeploymentVersion(asked)
        request.deployment_version_id = answered.version.deployment_version_id
    request.parameters.update(parameters.parse(pairs, document))
    request.job_variables.update(parameters.parse(variables, None))
    if start_in:
        request.scheduled_at.FromDatetime(datetime.datetime.now(datetime.UTC) + moments.parse_span(start_in))
    elif start_at:
        request.scheduled_at.FromDatetime(moments.parse_moment(start_at))
    answer = lookup.client().deployments.RunDeployment(request)
    run = answer.flow_run
    if not answer.created:
        _tell_of_earlier(run, request)
    if as_json and not watch:
        output.print_json(run)
        return output.ExitCode.OK
    if not as_json:
        output.done(f"Flow run '{run.name}' is {run.state.name}.  id {run.flow_run_id}")
    if not watch:
        return output.ExitCode.OK
    shown_on = output.complaints if as_json else output.console
    ended = watching.watch(run.flow_run_id, timeout_seconds=watch_timeout, console=shown_on)
    if as_json:
        output.print_json(ended)
    return watching.exit_code(ended)


def _tell_of_earlier(run: flow_run_pb2.FlowRun, request: deployment_pb2.RunDeploymentRequest) -> None:
    """Say that the idempotency key was used before, and whether for something else."""
    output.note(
        f"Nothing was started: the run '{run.name}' was made before, with the same idempotency key"
        f" '{request.idempotency_key}'."
    )
    given, kept = output.to_plain_set(request).get("parameters", {}), output.to_plain_set(run).get("parameters", {})
    other = sorted(name for name, value in given.items() if kept.get(name) != value)
    if other:
        output.note(f"It has other values of {', '.join(other)}. Take another key for another run.")


@command.command("pause")
@click.argument("name")
def pause_deployment(name: str) -> None:
    """Stop all schedules of a deployment."""
    found = lookup.deployment(name)
    lookup.client().deployments.PauseDeployment(
        deployment_pb2.PauseDeploymentRequest(deployment_id=found.deployment_id)
    )
    output.done(f"Deployment '{found.flow_name}/{found.name}' is paused.")


@command.command("resume")
@click.argument("name")
def resume_deployment(name: str) -> None:
    """Let the schedules of a deployment go on."""
    found = lookup.deployment(name)
    lookup.client().deployments.ResumeDeployment(
        deployment_pb2.ResumeDeploymentRequest(deployment_id=found.deployment_id)
    )
    output.done(f"Deployment '{found.flow_name}/{found.name}' goes on.")


@command.command("delete")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_deployment(name: str, yes: bool) -> None:
    """Delete a deployment; its runs stay."""
    found = lookup.deployment(name)
    if not yes:
        click.confirm(f"Delete the deployment '{found.flow_name}/{found.name}'?", abort=True)
    lookup.client().deployments.DeleteDeployment(
        deployment_pb2.DeleteDeploymentRequest(deployment_id=found.deployment_id)
    )
    output.done(f"Deployment '{found.flow_name}/{found.name}' deleted.")
