"""Run inputs."""

from __future__ import annotations

from headrace.api.v1 import run_input_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import values


def run_input(row: Row) -> run_input_pb2.RunInput:
    """Return the input in a row."""
    return run_input_pb2.RunInput(
        flow_run_id=str(row["flow_run_id"]),
        key=row["key"],
        value=values.from_json(row["value"]),
        sender=row["sender"],
        created_at=values.from_time(row["created_at"]),
    )
