"""`headrace deployment versions|diff|rollback|promote`."""

from __future__ import annotations

import json
from typing import Any

import click
from google.protobuf import json_format
from rich.text import Text

from headrace.api.v1 import deployment_pb2
from headrace.cli import lookup, output
from headrace.deployments.changes import whole

_SIGNS = {
    deployment_pb2.VERSION_CHANGE_KIND_ADDED: ("+", "green"),
    deployment_pb2.VERSION_CHANGE_KIND_REMOVED: ("-", "red"),
    deployment_pb2.VERSION_CHANGE_KIND_CHANGED: ("~", "yellow"),
}
_LONGEST = 200


@click.command("versions")
@click.argument("name")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_versions(name: str, limit: int, as_json: bool) -> None:
    """List the versions of a deployment, newest first."""
    found = lookup.deployment(name)
    stub = lookup.client().deployments

    def page(token: str, size: int) -> deployment_pb2.ListDeploymentVersionsResponse:
        return stub.ListDeploymentVersions(
            deployment_pb2.ListDeploymentVersionsRequest(
                deployment_id=found.deployment_id, page_size=size, page_token=token
            )
        )

    versions = list(lookup.pages(page, "versions", limit))
    if as_json:
        output.print_json(versions)
        return
    output.print_table(
        f"Versions of {found.flow_name}/{found.name}",
        [
            "",
            "NUMBER",
            ("VERSION", {"ratio": 1}),
            "DIGEST",
            "REVISION",
            ("BY", {"ratio": 1}),
            "CREATED",
            ("MESSAGE", {"ratio": 1}),
        ],
        [
            [
                "*" if version.current else "",
                version.number,
                version.content.version,
                version.digest[:8],
                version.content.version_info.revision[:8],
                version.creator.display_name,
                output.moment(version.created_at),
                version.message,
            ]
            for version in versions
        ],
    )


@click.command("diff")
@click.argument("name")
@click.argument("from_number", metavar="[FROM]", required=False, type=click.IntRange(1))
@click.argument("to_number", metavar="[TO]", required=False, type=click.IntRange(1))
@output.output_option
def diff_versions(name: str, from_number: int | None, to_number: int | None, as_json: bool) -> None:
    """Show what differs between two versions.

    FROM is the number of the earlier version; by default the one that TO replaced. TO is by default the current one.
    """
    found = lookup.deployment(name)
    compared = lookup.client().deployments.CompareDeploymentVersions(
        deployment_pb2.CompareDeploymentVersionsRequest(
            deployment_id=found.deployment_id, from_number=from_number or 0, to_number=to_number or 0
        )
    )
    if as_json:
        output.print_json(compared)
        return
    before = f"version {compared.from_version.number}" if compared.HasField("from_version") else "nothing"
    output.console.print(
        Text(f"{found.flow_name}/{found.name}: {before} -> version {compared.to_version.number}", style="bold")
    )
    for change in compared.changes:
        sign, style = _SIGNS.get(change.kind, ("?", ""))
        values = [_shown(getattr(change, side)) for side in ("before", "after") if change.HasField(side)]
        output.console.print(Text(f"{sign} {change.path}: {' -> '.join(values)}", style=style), soft_wrap=True)
    if not compared.changes:
        output.console.print("  no difference", style="dim")


def _shown(value: Any) -> str:
    text = json.dumps(whole(json_format.MessageToDict(value)), ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


@click.command("rollback")
@click.argument("name")
@click.option("--to", "number", type=click.IntRange(1), help="This version instead of the former one.")
@output.output_option
def roll_back(name: str, number: int | None, as_json: bool) -> None:
    """Make the version current again that the current one replaced."""
    found = lookup.deployment(name)
    done = lookup.client().deployments.RollBackDeployment(
        deployment_pb2.RollBackDeploymentRequest(deployment_id=found.deployment_id, number=number or 0)
    )
    _report(done, found, as_json)


@click.command("promote")
@click.argument("name")
@click.argument("number", type=click.IntRange(1))
@output.output_option
def promote(name: str, number: int, as_json: bool) -> None:
    """Make a version current, such as one that was deployed to wait for it."""
    found = lookup.deployment(name)
    done = lookup.client().deployments.PromoteDeploymentVersion(
        deployment_pb2.PromoteDeploymentVersionRequest(deployment_id=found.deployment_id, number=number)
    )
    _report(done, found, as_json)


def _report(done: Any, before: deployment_pb2.Deployment, as_json: bool) -> None:
    if as_json:
        output.print_json(done)
        return
    output.done(
        f"Deployment '{before.flow_name}/{before.name}' runs version {done.version.number} now"
        f" (before: {before.version_number})."
    )


commands = (list_versions, diff_versions, roll_back, promote)
"""What `headrace deployment` takes up."""
