"""Artifacts."""

from __future__ import annotations

from collections.abc import Collection

from headrace import errors
from headrace.api.v1 import artifact_pb2
from headrace.ids import uuid7
from headrace_state.rules.artifacts import ArtifactChange, Content, NewArtifact
from headrace_state.rules.rows import Row
from headrace_state.wire import values

CONTENTS = ("markdown", "table", "link", "progress", "image", "value")
"""The fields that content may stand in."""

_KINDS = {
    "markdown": {"MARKDOWN"},
    "table": {"TABLE"},
    "link": {"LINK"},
    "progress": {"PROGRESS"},
    "image": {"IMAGE"},
    "value": {"RESULT", "OTHER"},
}
_USUAL = {
    "markdown": "MARKDOWN",
    "table": "TABLE",
    "link": "LINK",
    "progress": "PROGRESS",
    "image": "IMAGE",
    "value": "OTHER",
}


def artifact(row: Row) -> artifact_pb2.Artifact:
    """Return the artifact in a row."""
    message = artifact_pb2.Artifact(
        artifact_id=str(row["artifact_id"]),
        key=row["key"],
        kind=artifact_pb2.ArtifactKind.Value(f"ARTIFACT_KIND_{row['kind']}"),
        type=row["type"],
        description=row["description"],
        metadata=values.from_object(row["metadata"]),
        flow_run_id=values.from_id(row["flow_run_id"]),
        task_run_id=values.from_id(row["task_run_id"]),
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
        latest=row["is_latest"],
    )
    _add_content(message, row)
    return message


def _add_content(message: artifact_pb2.Artifact, row: Row) -> None:
    content = row["content"]
    match row["kind"]:
        case "MARKDOWN":
            message.markdown = content or ""
        case "PROGRESS":
            message.progress = content or 0.0
        case "LINK":
            message.link.CopyFrom(artifact_pb2.LinkContent(**content or {}))
        case "IMAGE":
            message.image.CopyFrom(artifact_pb2.ImageContent(**content or {}, data=row["data"] or b""))
        case "TABLE":
            found = content or {"columns": [], "rows": []}
            message.table.CopyFrom(
                artifact_pb2.TableContent(
                    columns=found["columns"], rows=[values.from_list(line) for line in found["rows"]]
                )
            )
        case _:
            message.value.CopyFrom(values.from_json(content))


def to_new_artifact(message: artifact_pb2.Artifact) -> NewArtifact:
    """Return the artifact that a request asks for.

    Raises:
        errors.InvalidArgument: A value is not what its field is for, or the content is not of the kind.
    """
    field = message.WhichOneof("content")
    kind = artifact_pb2.ArtifactKind.Name(message.kind).removeprefix("ARTIFACT_KIND_") if message.kind else ""
    if not kind:
        if field is None:
            raise errors.InvalidArgument.of_field("artifact.kind", "or a content must be set")
        kind = _USUAL[field]
    if field is not None and kind not in _KINDS[field]:
        raise errors.InvalidArgument.of_field(f"artifact.{field}", f"is not the content of an artifact of kind {kind}")
    return NewArtifact(
        artifact_id=values.to_optional_id(message.artifact_id, "artifact.artifact_id") or uuid7(),
        key=message.key,
        kind=kind,
        type=message.type,
        content=_content(message),
        description=message.description,
        metadata=values.to_object(message.metadata, "artifact.metadata"),
        flow_run_id=values.to_optional_id(message.flow_run_id, "artifact.flow_run_id"),
        task_run_id=values.to_optional_id(message.task_run_id, "artifact.task_run_id"),
    )


def to_change(message: artifact_pb2.Artifact, fields: Collection[str]) -> ArtifactChange:
    """Return what an update of `fields` changes.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    has_content = "content" in fields or any(name in fields for name in CONTENTS)
    return ArtifactChange(
        content=_content(message) if has_content else None,
        description=message.description if "description" in fields else None,
        metadata=values.to_object(message.metadata, "artifact.metadata") if "metadata" in fields else None,
    )


def content_field(message: artifact_pb2.Artifact) -> str | None:
    """Return the field that the content stands in, None if there is none."""
    return message.WhichOneof("content")


def is_content_of(field: str | None, kind: str) -> bool:
    """Return whether an artifact of a kind may have its content in a field."""
    return field is None or kind in _KINDS[field]


def _content(message: artifact_pb2.Artifact) -> Content:
    match message.WhichOneof("content"):
        case "markdown":
            return Content(message.markdown)
        case "progress":
            if not 0 <= message.progress <= 100:
                raise errors.InvalidArgument.of_field("artifact.progress", "must be from 0 to 100")
            return Content(message.progress)
        case "link":
            return Content({"url": message.link.url, "text": message.link.text})
        case "image":
            image = message.image
            return Content({"url": image.url, "media_type": image.media_type}, image.data or None)
        case "table":
            rows = [values.to_list(line, f"artifact.table.rows[{at}]") for at, line in enumerate(message.table.rows)]
            return Content({"columns": list(message.table.columns), "rows": rows})
        case "value":
            return Content(values.to_json(message.value, "artifact.value"))
        case _:
            return Content()
