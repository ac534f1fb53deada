"""Artifacts: what runs make for people to look at. Each belongs to the run that makes it.

    create_table_artifact([{"city": "Oslo", "rain": 3.1}], key="rain")
    progress = create_progress_artifact(0.0)
    update_progress_artifact(progress, 50.0)

Each function has a twin for asynchronous code, with an `a` before its name. All return the artifact's id.
"""

from __future__ import annotations

import asyncio
import mimetypes
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

from headrace import errors
from headrace.api.v1 import artifact_pb2
from headrace.client.values import value_to_proto
from headrace.context import current_run
from headrace.engine.connection import get_backend
from headrace.parameters import to_json_value
from headrace.recording.identifiers import new_id
from headrace.recording.text import storable

MAX_IMAGE_BYTES = 2 * 1024 * 1024

Table = Mapping[str, Sequence[Any]] | Iterable[Mapping[str, Any]] | Iterable[Sequence[Any]]
"""Columns by name, or rows as mappings or as sequences."""


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> str:
    """Keep a text in Markdown.

    Args:
        markdown: The text.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.
    """
    return _save(_markdown(markdown, key, description))


async def acreate_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> str:
    """Keep a text in Markdown; as `create_markdown_artifact`."""
    return await _asave(_markdown(markdown, key, description))


def create_table_artifact(table: Table, key: str | None = None, description: str | None = None) -> str:
    """Keep a table.

    Args:
        table: Columns by name (each a sequence), rows as mappings, or rows as sequences of which the first has the
            columns' names.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.

    Raises:
        errors.InvalidArgument: Rows or columns do not fit together.
    """
    return _save(_table(table, key, description))


async def acreate_table_artifact(table: Table, key: str | None = None, description: str | None = None) -> str:
    """Keep a table; as `create_table_artifact`."""
    return await _asave(_table(table, key, description))


def create_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> str:
    """Keep a link.

    Args:
        link: The URL.
        link_text: What to show for it.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.
    """
    return _save(_link(link, link_text, key, description))


async def acreate_link_artifact(
    link: str, link_text: str | None = None, key: str | None = None, description: str | None = None
) -> str:
    """Keep a link; as `create_link_artifact`."""
    return await _asave(_link(link, link_text, key, description))


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> str:
    """Keep a progress, to be changed by `update_progress_artifact`.

    Args:
        progress: From 0 to 100.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.

    Raises:
        errors.InvalidArgument: The progress is not from 0 to 100.
    """
    return _save(_progress(progress, key, description))


async def acreate_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> str:
    """Keep a progress; as `create_progress_artifact`."""
    return await _asave(_progress(progress, key, description))


def update_progress_artifact(artifact_id: str, progress: float, description: str | None = None) -> None:
    """Change a progress.

    Args:
        artifact_id: As `create_progress_artifact` returned it.
        progress: From 0 to 100.
        description: A new description; None keeps the old one.

    Raises:
        errors.InvalidArgument: The progress is not from 0 to 100.
        errors.NotFound: There is no such artifact.
    """
    _save(_progress(progress, None, description, artifact_id), is_new=False)


async def aupdate_progress_artifact(artifact_id: str, progress: float, description: str | None = None) -> None:
    """Change a progress; as `update_progress_artifact`."""
    await _asave(_progress(progress, None, description, artifact_id), is_new=False)


def create_image_artifact(
    image: str | pathlib.Path | bytes,
    key: str | None = None,
    description: str | None = None,
    media_type: str | None = None,
) -> str:
    """Keep an image.

    Args:
        image: A URL, the path of a file, or the bytes themselves.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.
        media_type: Of bytes, for example `image/png`; found by itself for files and the usual formats.

    Raises:
        errors.InvalidArgument: The image is larger than 2 MiB, or its format is not known.
        OSError: The file cannot be read.
    """
    return _save(_image(image, key, description, media_type))


async def acreate_image_artifact(
    image: str | pathlib.Path | bytes,
    key: str | None = None,
    description: str | None = None,
    media_type: str | None = None,
) -> str:
    """Keep an image; as `create_image_artifact`."""
    return await _asave(_image(image, key, description, media_type))


def create_result_artifact(result: Any, key: str | None = None, description: str | None = None) -> str:
    """Keep a result for people to look at, as JSON.

    Args:
        result: Anything that has a form in JSON: plain values, dates, dataclasses, pydantic models.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.

    Raises:
        errors.InvalidArgument: It has no form in JSON.
    """
    return _save(_value(artifact_pb2.ARTIFACT_KIND_RESULT, "", result, key, description))


async def acreate_result_artifact(result: Any, key: str | None = None, description: str | None = None) -> str:
    """Keep a result; as `create_result_artifact`."""
    return await _asave(_value(artifact_pb2.ARTIFACT_KIND_RESULT, "", result, key, description))


def create_artifact(kind: str, value: Any, key: str | None = None, description: str | None = None) -> str:
    """Keep something of a kind of your own, as JSON.

    Args:
        kind: Its name.
        value: Anything that has a form in JSON.
        key: Artifacts with the same key are versions of one thing.
        description: What it shows, in Markdown.

    Raises:
        errors.InvalidArgument: The kind has no name, or the value has no form in JSON.
    """
    return _save(_value(artifact_pb2.ARTIFACT_KIND_OTHER, kind, value, key, description))


async def acreate_artifact(kind: str, value: Any, key: str | None = None, description: str | None = None) -> str:
    """Keep something of a kind of your own; as `create_artifact`."""
    return await _asave(_value(artifact_pb2.ARTIFACT_KIND_OTHER, kind, value, key, description))


def _value(
    number: artifact_pb2.ArtifactKind.ValueType, kind: str, value: Any, key: str | None, description: str | None
) -> artifact_pb2.Artifact:
    if number == artifact_pb2.ARTIFACT_KIND_OTHER and not kind:
        raise errors.InvalidArgument.of_field("kind", "must have a name")
    artifact = _artifact(number, key, description)
    artifact.type = kind
    artifact.value.CopyFrom(value_to_proto(to_json_value(value), "value"))
    return artifact


def _markdown(markdown: str, key: str | None, description: str | None) -> artifact_pb2.Artifact:
    artifact = _artifact(artifact_pb2.ARTIFACT_KIND_MARKDOWN, key, description)
    artifact.markdown = storable(markdown)
    return artifact


def _table(table: Table, key: str | None, description: str | None) -> artifact_pb2.Artifact:
    artifact = _artifact(artifact_pb2.ARTIFACT_KIND_TABLE, key, description)
    columns, rows = _columns_and_rows(table)
    content = artifact.table
    content.columns.extend(map(storable, columns))
    for row in rows:
        content.rows.append(struct_pb2.ListValue(values=[value_to_proto(to_json_value(cell), "table") for cell in row]))
    return artifact


def _columns_and_rows(table: Any) -> tuple[list[str], list[Sequence[Any]]]:
    if isinstance(table, Mapping):
        columns = [str(name) for name in table]
        lengths = {len(values) for values in table.values()}
        if len(lengths) > 1:
            raise errors.InvalidArgument.of_field("table", f"columns have different lengths: {sorted(lengths)}")
        return columns, [list(row) for row in zip(*table.values(), strict=True)]
    found = list(table)
    if found and isinstance(found[0], Mapping):
        names = list(dict.fromkeys(name for row in found for name in row))
        return [str(name) for name in names], [[row.get(name) for name in names] for row in found]
    if not found:
        return [], []
    columns = [str(name) for name in found[0]]
    if any(len(row) != len(columns) for row in found):
        raise errors.InvalidArgument.of_field("table", f"every row must have {len(columns)} cells, as the first has")
    return columns, found[1:]


def _link(link: str, text: str | None, key: str | None, description: str | None) -> artifact_pb2.Artifact:
    artifact = _artifact(artifact_pb2.ARTIFACT_KIND_LINK, key, description)
    artifact.link.url = link
    artifact.link.text = storable(text or "")
    return artifact


def _progress(
    progress: float, key: str | None, description: str | None, artifact_id: str | None = None
) -> artifact_pb2.Artifact:
    if not 0 <= progress <= 100:
        raise errors.InvalidArgument.of_field("progress", f"must be from 0 to 100, not {progress}")
    artifact = _artifact(artifact_pb2.ARTIFACT_KIND_PROGRESS, key, description, artifact_id)
    artifact.progress = progress
    return artifact


def _image(
    image: str | pathlib.Path | bytes, key: str | None, description: str | None, media_type: str | None
) -> artifact_pb2.Artifact:
    artifact = _artifact(artifact_pb2.ARTIFACT_KIND_IMAGE, key, description)
    if isinstance(image, str) and "://" in image:
        artifact.image.url = image
        return artifact
    data = image if isinstance(image, bytes) else pathlib.Path(image).read_bytes()
    guessed = mimetypes.guess_type(str(image))[0] if not isinstance(image, bytes) else None
    kind = media_type or guessed or _sniff(data)
    if kind is None:
        raise errors.InvalidArgument.of_field("media_type", "the image's format is not known; name it")
    if len(data) > MAX_IMAGE_BYTES:
        raise errors.InvalidArgument.of_field(
            "image", f"has {len(data)} bytes and {MAX_IMAGE_BYTES} are allowed; put it elsewhere and give its URL"
        )
    artifact.image.data = data
    artifact.image.media_type = kind
    return artifact


def _sniff(data: bytes) -> str | None:
    starts = {
        b"\x89PNG\r\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF8": "image/gif",
        b"RIFF": "image/webp",
        b"<svg": "image/svg+xml",
        b"<?xml": "image/svg+xml",
    }
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)


def _artifact(
    kind: artifact_pb2.ArtifactKind.ValueType,
    key: str | None,
    description: str | None,
    artifact_id: str | None = None,
) -> artifact_pb2.Artifact:
    artifact = artifact_pb2.Artifact(
        artifact_id=artifact_id or new_id(), kind=kind, key=key or "", description=storable(description or "")
    )
    run = current_run.get()
    if artifact_id is None and run is not None and run.flow_run is not None:
        artifact.flow_run_id = run.flow_run.id
        if run.task_run is not None:
            artifact.task_run_id = run.task_run.task_run_id
    return artifact


def _save(artifact: artifact_pb2.Artifact, *, is_new: bool = True) -> str:
    get_backend().save_artifact(artifact, is_new=is_new).result()
    return artifact.artifact_id


async def _asave(artifact: artifact_pb2.Artifact, *, is_new: bool = True) -> str:
    await asyncio.wrap_future(get_backend().save_artifact(artifact, is_new=is_new))
    return artifact.artifact_id
