"""Log records."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import log_pb2
from headrace_prefect.shapes.scalars import of_timestamp


def log_json(record: log_pb2.LogRecord) -> dict[str, Any]:
    """Return a log record."""
    at = of_timestamp(record.occurred_at)
    return {
        "id": record.log_id,
        "created": at,
        "updated": at,
        "name": record.logger or "headrace",
        "level": record.level,
        "message": record.message,
        "timestamp": at,
        "flow_run_id": record.flow_run_id or None,
        "task_run_id": record.task_run_id or None,
        "worker_id": record.worker_id or None,
    }
