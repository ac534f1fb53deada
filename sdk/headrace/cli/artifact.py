"""`headrace artifact ...`."""

from __future__ import annotations

import click

from headrace import errors
from headrace.api.v1 import artifact_pb2
from headrace.cli import lookup, output


@click.group("artifact")
def command() -> None:
    """See what runs made for people to look at."""


_KINDS = [name.removeprefix("ARTIFACT_KIND_").lower() for name in artifact_pb2.ArtifactKind.keys()[1:]]
_SORTS = [
    name.removeprefix("ARTIFACT_SORT_").replace("_", "-").lower() for name in artifact_pb2.ArtifactSort.keys()[1:]
]


@command.command("ls")
@click.option("--flow-run", metavar="RUN", help="Only artifacts of this flow run.")
@click.option("--task-run", "task_runs", multiple=True, metavar="ID", help="Only artifacts of this task run.")
@click.option("--flow", "flows", multiple=True, metavar="NAME", help="Only artifacts of runs of this flow.")
@click.option("--key", metavar="TEXT", help="Only artifacts with this in their key.")
@click.option("--text", metavar="TEXT", help="Only artifacts with this in their key or description.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Only this kind; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="All versions of each key, not only the latest.")
@click.option("--sort", type=click.Choice(_SORTS), default="id-desc", show_default=True, help="In which order.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_artifacts(
    flow_run: str | None,
    task_runs: tuple[str, ...],
    flows: tuple[str, ...],
    key: str | None,
    text: str | None,
    kinds: tuple[str, ...],
    everything: bool,
    sort: str,
    limit: int,
    as_json: bool,
) -> None:
    """List artifacts, newest first unless --sort says otherwise."""
    chosen = artifact_pb2.ArtifactFilter(
        key_contains=key or "",
        text=text or "",
        kinds=[artifact_pb2.ArtifactKind.Value(f"ARTIFACT_KIND_{kind.upper()}") for kind in kinds],
        latest_only=not everything,
        flow_run_ids=[lookup.flow_run(flow_run).flow_run_id] if flow_run else [],
        task_run_ids=task_runs,
        flow_ids=[lookup.flow(name).flow_id for name in flows],
    )
    order = artifact_pb2.ArtifactSort.Value(f"ARTIFACT_SORT_{sort.replace('-', '_').upper()}")
    _show("Artifacts", _listed(chosen, order, limit), as_json)


@command.command("versions")
@click.argument("key")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_versions(key: str, limit: int, as_json: bool) -> None:
    """List the versions of a KEY, newest first."""
    chosen = artifact_pb2.ArtifactFilter(keys=[key])
    found = _listed(chosen, artifact_pb2.ARTIFACT_SORT_ID_DESC, limit)
    if not found:
        raise errors.NotFound(f"There is no artifact with the key '{key}'.")
    _show(f"Versions of {key}", found, as_json)


def _listed(
    chosen: artifact_pb2.ArtifactFilter, order: artifact_pb2.ArtifactSort.ValueType, limit: int
) -> list[artifact_pb2.Artifact]:
    stub = lookup.client().artifacts

    def page(token: str, size: int) -> artifact_pb2.ListArtifactsResponse:
        request = artifact_pb2.ListArtifactsRequest(filter=chosen, sort=order, page_size=size, page_token=token)
        return stub.ListArtifacts(request)

    return list(lookup.pages(page, "artifacts", limit))


def _show(title: str, artifacts: list[artifact_pb2.Artifact], as_json: bool) -> None:
    if as_json:
        output.print_json(artifacts)
        return
    output.print_table(
        title,
        [("KEY", {"ratio": 1}), "KIND", "CREATED", "ID"],
        [[item.key, kind_word(item), output.ago(item.created_at), item.artifact_id] for item in artifacts],
    )


def kind_word(artifact: artifact_pb2.Artifact) -> str:
    """Return the kind in one word."""
    if artifact.kind == artifact_pb2.ARTIFACT_KIND_OTHER:
        return artifact.type
    return artifact_pb2.ArtifactKind.Name(artifact.kind).removeprefix("ARTIFACT_KIND_").lower()


@command.command("inspect")
@click.argument("artifact")
@output.output_option
def inspect_artifact(artifact: str, as_json: bool) -> None:
    """Show one ARTIFACT, by its id, or the latest of a key."""
    found = _find(artifact)
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
@click.argument("artifact_id", required=False)
@click.option("--key", help="All versions of this key.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_artifact(artifact_id: str | None, key: str | None, yes: bool) -> None:
    """Delete an artifact, or all versions of a key."""
    if (artifact_id is None) == (key is None):
        raise click.UsageError("Name either an artifact by its id or a --key.")
    stub = lookup.client().artifacts
    if artifact_id is not None:
        stub.DeleteArtifact(artifact_pb2.DeleteArtifactRequest(artifact_id=artifact_id))
        output.done(f"Artifact {artifact_id} deleted.")
        return
    # Oldest first, so that the latest stays the latest until all others are gone.
    found = _listed(artifact_pb2.ArtifactFilter(keys=[key or ""]), artifact_pb2.ARTIFACT_SORT_ID_ASC, 0)
    if not found:
        raise errors.NotFound(f"There is no artifact with the key '{key}'.")
    if not yes:
        click.confirm(f"Delete {len(found)} versions of '{key}'?", abort=True)
    for each in found:
        stub.DeleteArtifact(artifact_pb2.DeleteArtifactRequest(artifact_id=each.artifact_id))
    output.done(f"{len(found)} versions of '{key}' deleted.")


def _find(name: str) -> artifact_pb2.Artifact:
    stub = lookup.client().artifacts
    if lookup.is_id(name):
        return stub.GetArtifact(artifact_pb2.GetArtifactRequest(artifact_id=name)).artifact
    chosen = artifact_pb2.ArtifactFilter(keys=[name], latest_only=True)
    for found in stub.ListArtifacts(artifact_pb2.ListArtifactsRequest(filter=chosen, page_size=1)).artifacts:
        return found
    raise errors.NotFound(f"There is no artifact with the key '{name}'.")
