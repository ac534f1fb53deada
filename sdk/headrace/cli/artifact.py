"""`headrace artifact ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import artifact_pb2
from headrace.cli import lookup, output


@click.group("artifact")
def command() -> None:
    """See what runs made for people to look at."""


@command.command("ls")
@click.option("--flow-run", metavar="RUN", help="Only artifacts of this flow run.")
@click.option("--key", metavar="TEXT", help="Only artifacts with this in their key.")
@click.option("--all", "everything", is_flag=True, help="All versions of each key, not only the latest.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_artifacts(flow_run: str | None, key: str | None, everything: bool, limit: int, as_json: bool) -> None:
    """List artifacts, newest first."""
    stub = lookup.client().artifacts
    chosen = artifact_pb2.ArtifactFilter(
        key_contains=key or "",
        latest_only=not everything,
        flow_run_ids=[lookup.flow_run(flow_run).flow_run_id] if flow_run else [],
    )

    def page(token: str, size: int) -> artifact_pb2.ListArtifactsResponse:
        return stub.ListArtifacts(artifact_pb2.ListArtifactsRequest(filter=chosen, page_size=size, page_token=token))

    artifacts = list(lookup.pages(page, "artifacts", limit))
    if as_json:
        output.print_json(artifacts)
        return
    output.print_table(
        "Artifacts",
        [("KEY", {"ratio": 1}), "KIND", "CREATED", "ID"],
        [[item.key, kind_word(item), output.ago(item.created_at), item.artifact_id] for item in artifacts],
    )


def kind_word(artifact: artifact_pb2.Artifact) -> str:
    """Return the kind in one word."""
    if artifact.kind == artifact_pb2.ARTIFACT_KIND_OTHER:
        return artifact.type
    return artifact_pb2.ArtifactKind.Name(artifact.kind).removeprefix("ARTIFACT_KIND_").lower()


@command.command("inspect")
@click.argument("artifact_id")
@output.output_option
def inspect_artifact(artifact_id: str, as_json: bool) -> None:
    """Show one artifact."""
    stub = lookup.client().artifacts
    found = stub.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=artifact_id)).artifact
    if as_json:
        output.print_json(found)
        return
    which = found.WhichOneof("content")
    content = (
        f"{len(found.image.data)} bytes of {found.image.media_type}"
        if which == "image" and found.image.data
        else (output.to_plain(found).get(which) if which else None)
    )
    output.print_fields(
        f"Artifact {found.key or found.artifact_id}",
        [
            ("id", found.artifact_id),
            ("kind", kind_word(found)),
            ("description", found.description),
            ("flow run", found.flow_run_id),
            ("task run", found.task_run_id),
            ("created", output.moment(found.created_at)),
            ("content", content),
        ],
    )


@command.command("delete")
@click.argument("artifact_id")
def delete_artifact(artifact_id: str) -> None:
    """Delete an artifact."""
    lookup.client().artifacts.DeleteArtifact(artifact_pb2.DeleteArtifactRequest(artifact_id=artifact_id))
    output.done(f"Artifact {artifact_id} deleted.")
