"""A stored thing by the names of its columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class Row(Protocol):
    """A row of a table or a mapping that stands for one; columns keep the types that the database has for them."""

    def keys(self) -> Iterable[str]:
        """Return the names of the columns."""
        ...

    def __getitem__(self, name: str, /) -> Any:
        """Return the value of a column."""
        ...
