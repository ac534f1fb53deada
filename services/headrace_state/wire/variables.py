"""Variables."""

from __future__ import annotations

from headrace.api.v1 import variable_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import values


def variable(row: Row) -> variable_pb2.Variable:
    """Return the variable in a row."""
    return variable_pb2.Variable(
        variable_id=str(row["variable_id"]),
        name=row["name"],
        value=values.from_json(row["value"]),
        tags=row["tags"],
        created_at=values.from_time(row["created_at"]),
        updated_at=values.from_time(row["updated_at"]),
    )
