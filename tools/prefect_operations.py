"""Writes the list of Prefect's operations that are served into docs/prefect.md.

Usage: python -m tools.prefect_operations [--check]
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections import defaultdict

from headrace_prefect.wiring import ROUTES, sockets

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "prefect.md"
BEGIN, END = "<!-- operations -->\n", "<!-- end of operations -->\n"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KIND = re.compile(r":(uuid|path)\}")


def table() -> str:
    """Return the operations as a table: a row for each path."""
    methods: dict[str, set[str]] = defaultdict(set)
    for route in ROUTES:
        methods[_KIND.sub("}", route.path)].add(route.method)
    count = sum(map(len, methods.values()))
    paths = sorted(socket.path for socket in sockets(0.0))
    lines = [f"{count} operations and {len(paths)} websockets, below `/api`:\n", "| path | methods |", "|---|---|"]
    for path in sorted(methods):
        lines.append(f"| `{path}` | {' '.join(method for method in _METHODS if method in methods[path])} |")
    lines += [f"| `{path}` | websocket |" for path in paths]
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """Return the page with the table in its place.

    Raises:
        ValueError: The page has no place for it.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the operations")
    return f"{before}{BEGIN}{table()}{END}{after}"


def main() -> int:
    """Write the page, or with --check say whether it is as it should be."""
    page = PAGE.read_text()
    wanted = written(page)
    if "--check" in sys.argv[1:]:
        if page != wanted:
            sys.stderr.write(f"{PAGE.name} is not current: python -m tools.prefect_operations\n")
        return int(page != wanted)
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
