"""Artifacts: content by kind here, any data with a type's name there.

What Prefect's functions make (Markdown, tables as JSON text, progress, addresses of images) becomes content of our
kinds, so that everybody sees it drawn; all other data is kept as it is under the type's name.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from headrace.api.v1 import artifact_pb2
from headrace_prefect.shapes import scalars

COLLECTIONS = uuid.UUID("5a0bd0f3-24c5-5f0c-9a55-b4fb9fd4ff02")
"""Keys have no ids of their own; theirs are made from this one and the key."""

_TYPE_OF = {
    artifact_pb2.ARTIFACT_KIND_MARKDOWN: "markdown",
    artifact_pb2.ARTIFACT_KIND_TABLE: "table",
    # Prefect's links are Markdown with a link in it.
    artifact_pb2.ARTIFACT_KIND_LINK: "markdown",
    artifact_pb2.ARTIFACT_KIND_PROGRESS: "progress",
    artifact_pb2.ARTIFACT_KIND_IMAGE: "image",
    artifact_pb2.ARTIFACT_KIND_RESULT: "result",
}
KINDS: dict[str, tuple[artifact_pb2.ArtifactKind.ValueType, ...]] = {
    "markdown": (artifact_pb2.ARTIFACT_KIND_MARKDOWN, artifact_pb2.ARTIFACT_KIND_LINK),
    "table": (artifact_pb2.ARTIFACT_KIND_TABLE,),
    "progress": (artifact_pb2.ARTIFACT_KIND_PROGRESS,),
    "image": (artifact_pb2.ARTIFACT_KIND_IMAGE,),
    "result": (artifact_pb2.ARTIFACT_KIND_RESULT,),
}
"""The kinds that a type's name stands for."""


def type_of(artifact: artifact_pb2.Artifact) -> str:
    """Return the name of an artifact's type, "" without one."""
    return _TYPE_OF.get(artifact.kind, artifact.type)


def shape(artifact: artifact_pb2.Artifact) -> dict[str, Any]:
    """Return an artifact."""
    metadata = scalars.of_struct(artifact.metadata) if artifact.HasField("metadata") else {}
    return {
        "id": artifact.artifact_id,
        "created": scalars.moment(artifact, "created_at"),
        "updated": scalars.moment(artifact, "updated_at"),
        "key": scalars.word(artifact.key),
        "type": scalars.word(type_of(artifact)),
        "description": scalars.word(artifact.description),
        "data": _data(artifact),
        "metadata_": {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
        or None,
        "flow_run_id": scalars.word(artifact.flow_run_id),
        "task_run_id": scalars.word(artifact.task_run_id),
    }


def collection(artifact: artifact_pb2.Artifact) -> dict[str, Any]:
    """Return the latest artifact of a key as what stands for the key."""
    return {
        **shape(artifact),
        "id": str(uuid.uuid5(COLLECTIONS, artifact.key)),
        "key": artifact.key,
        "latest_id": artifact.artifact_id,
    }


def _data(artifact: artifact_pb2.Artifact) -> Any:
    match artifact.WhichOneof("content"):
        case "markdown":
            return artifact.markdown
        case "progress":
            return artifact.progress
        case "link":
            return f"[{artifact.link.text or artifact.link.url}]({artifact.link.url})"
        case "image":
            image = artifact.image
            if image.url or not image.data:
                return image.url
            return f"data:{image.media_type or 'image/png'};base64,{base64.b64encode(image.data).decode()}"
        case "table":
            return json.dumps(_rows(artifact.table))
        case "value":
            return scalars.of_value(artifact.value)
    return None


def _rows(table: artifact_pb2.TableContent) -> list[Any]:
    rows = [[scalars.of_value(cell) for cell in row.values] for row in table.rows]
    if not table.columns:
        return rows
    return [dict(zip(table.columns, row, strict=False)) for row in rows]


def fill(artifact: artifact_pb2.Artifact, type_name: str, data: Any) -> None:
    """Set kind, type and content of a new artifact.

    Args:
        artifact: What is filled.
        type_name: The name of its type, "" without one.
        data: Any JSON value.
    """
    kinds = KINDS.get(type_name)
    if kinds is not None and put(artifact, kinds[0], data):
        artifact.kind = kinds[0]
        return
    artifact.kind = artifact_pb2.ARTIFACT_KIND_OTHER
    artifact.type = type_name
    artifact.value.CopyFrom(scalars.to_value(data))


def put(artifact: artifact_pb2.Artifact, kind: artifact_pb2.ArtifactKind.ValueType, data: Any) -> bool:
    """Set the content of an artifact of a kind; return whether the data can be that."""
    match kind:
        case artifact_pb2.ARTIFACT_KIND_MARKDOWN if isinstance(data, str):
            artifact.markdown = data
        case artifact_pb2.ARTIFACT_KIND_PROGRESS if _is_share(data):
            artifact.progress = data
        case artifact_pb2.ARTIFACT_KIND_IMAGE if isinstance(data, str):
            artifact.image.url = data
        case artifact_pb2.ARTIFACT_KIND_TABLE:
            table = _table(data)
            if table is None:
                return False
            artifact.table.CopyFrom(table)
        case artifact_pb2.ARTIFACT_KIND_RESULT | artifact_pb2.ARTIFACT_KIND_OTHER:
            artifact.value.CopyFrom(scalars.to_value(data))
        case _:
            return False
    return True


def _is_share(data: Any) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool) and 0 <= data <= 100


def _table(data: Any) -> artifact_pb2.TableContent | None:
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            return None
    if isinstance(data, dict) and data and all(isinstance(column, list) for column in data.values()):
        length = max(len(column) for column in data.values())
        padded = [[*column, *[None] * (length - len(column))] for column in data.values()]
        return _table_of(list(data), [list(row) for row in zip(*padded, strict=True)])
    if not isinstance(data, list):
        return None
    if all(isinstance(row, list) for row in data):
        return _table_of([], data)
    if all(isinstance(row, dict) for row in data):
        columns = list(dict.fromkeys(name for row in data for name in row))
        return _table_of(columns, [[row.get(name) for name in columns] for row in data])
    return None


def _table_of(columns: list[str], rows: list[list[Any]]) -> artifact_pb2.TableContent:
    table = artifact_pb2.TableContent(columns=columns)
    for row in rows:
        table.rows.add().values.extend(scalars.to_value(cell) for cell in row)
    return table
