"""Named SQL statements, one file each, loaded once.

`Statements("headrace_state.sql")` is a namespace: `SQL.claim_due` is the text of `sql/claim_due.sql` with
`/* state.claim_due */` in front, by which pg_stat_statements and logs name it.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator


class Statements:
    """The statements of one package, as attributes.

    Args:
        package: The dotted folder that holds the `.sql` files, for example `headrace_state.sql`.

    Raises:
        FileNotFoundError: There is no such folder.
    """

    def __init__(self, package: str) -> None:
        service = package.split(".")[0].removeprefix("headrace_")
        top, *rest = package.split(".")
        folder = importlib.resources.files(top).joinpath(*rest)
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder of SQL statements at {package}")
        self._package = package
        self._texts = {
            entry.name.removesuffix(".sql"): f"/* {service}.{entry.name.removesuffix('.sql')} */\n"
            + entry.read_text(encoding="utf-8").strip()
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".sql")
        }

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"{self._package} has no statement {name}.sql") from None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (name, text) in order of name."""
        return iter(self._texts.items())

    def __len__(self) -> int:
        return len(self._texts)
