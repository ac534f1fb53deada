"""Artifacts and log records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import ListValue

from headrace.api.v1 import artifact_pb2, log_pb2
from headrace.importing.mapping.values import any_value, stamp, struct, text

_MOST_SMALLINT = 32_767


def artifact(found: Mapping[str, Any]) -> artifact_pb2.Artifact:
    """Return an artifact with its id and time; what cannot be read as its type says is kept as it is."""
    kind, data = str(found.get("type") or ""), found.get("data")
    message = artifact_pb2.Artifact(
        artifact_id=str(found["id"]),
        key=text(found.get("key"), 255),
        description=text(found.get("description")),
        metadata=struct(found.get("metadata_")),
        flow_run_id=str(found.get("flow_run_id") or ""),
        task_run_id=str(found.get("task_run_id") or ""),
        created_at=stamp(found.get("created")),
        updated_at=stamp(found.get("updated")),
    )
    if not _fill(message, kind, data):
        is_result = kind == "result"
        message.kind = artifact_pb2.ARTIFACT_KIND_RESULT if is_result else artifact_pb2.ARTIFACT_KIND_OTHER
        message.type = "" if is_result else text(kind)
        message.value.CopyFrom(any_value(data))
    return message


def _fill(message: artifact_pb2.Artifact, kind: str, data: Any) -> bool:
    match kind, data:
        case "markdown", str():
            # Links are Markdown with a link in it.
            message.markdown = text(data)
        case "progress", int() | float() if 0 <= data <= 100:
            message.progress = float(data)
        case "image", str():
            message.image.url = text(data)
        case ("table", _) if (table := _table(data)) is not None:
            message.table.CopyFrom(table)
        case _:
            return False
    return True


def _table(data: Any) -> artifact_pb2.TableContent | None:
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            return None
    if isinstance(data, Mapping) and data and all(isinstance(column, list) for column in data.values()):
        columns = [str(name) for name in data]
        length = max(len(column) for column in data.values())
        rows = [[column[place] if place < len(column) else None for column in data.values()] for place in range(length)]
    elif isinstance(data, list) and all(isinstance(row, list) for row in data):
        columns, rows = [], data
    elif isinstance(data, list) and all(isinstance(row, Mapping) for row in data):
        columns = list(dict.fromkeys(str(name) for row in data for name in row))
        rows = [[row.get(name) for name in columns] for row in data]
    else:
        return None
    return artifact_pb2.TableContent(
        columns=columns, rows=[ListValue(values=[any_value(cell) for cell in row]) for row in rows]
    )


def log_record(found: Mapping[str, Any], most_bytes: int) -> log_pb2.LogRecord:
    """Return a log record with its id and time; a longer message is cut to `most_bytes`."""
    message = text(found.get("message"))
    if len(message.encode()) > most_bytes:
        message = message.encode()[:most_bytes].decode(errors="ignore")
    return log_pb2.LogRecord(
        log_id=str(found["id"]),
        flow_run_id=str(found.get("flow_run_id") or ""),
        task_run_id=str(found.get("task_run_id") or ""),
        logger=text(found.get("name")),
        level=max(0, min(int(found.get("level") or 0), _MOST_SMALLINT)),
        message=message,
        occurred_at=stamp(found["timestamp"]),
        source=log_pb2.LOG_SOURCE_LOGGER,
    )
