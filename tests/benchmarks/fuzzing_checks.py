"""What Schemathesis looks at beside its own checks; see `fuzzing`."""

from __future__ import annotations

from typing import Any

import schemathesis

INSIDE = (
    "Traceback (most recent call last)",
    "site-packages",
    "asyncpg",
    "psycopg",
    "sqlalchemy",
    "/lib/python",
    "headrace_state.",
    'relation "',
)
"""Words of tracebacks, statements and paths."""


@schemathesis.check  # type: ignore[untyped-decorator, unused-ignore]
def tells_nothing_of_the_inside(ctx: Any, response: Any, case: Any) -> None:
    """Fail where an answer holds words of the inside of the server."""
    text = response.content.decode(errors="replace")
    found = [word for word in INSIDE if word in text]
    assert not found, f"the answer tells of the inside: {found}"
