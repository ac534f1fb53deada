"""Where results are kept, however the user says it: a URL, a folder, or a block."""

from __future__ import annotations

import pathlib
import re
from typing import Protocol, TypeAlias

from headrace import errors

BLOCK_SCHEME = "block://"
"""Begins the location of results that a saved block knows: `block://remote-file-system/results`."""

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:(//|:)")


class SavedBlock(Protocol):
    """A block of files that was saved."""

    @property
    def saved_as(self) -> str:
        """Its type and name; empty if it was not saved."""

    def storage_url(self) -> str:
        """Return the place as a URL, without credentials."""


ResultStorage: TypeAlias = str | pathlib.Path | SavedBlock
"""An fsspec URL, a folder of this machine, or a saved block such as `RemoteFileSystem.load("results")`."""


def location_of(given: ResultStorage) -> str:
    """Return the location of results as a text by which every process finds them.

    Raises:
        errors.InvalidArgument: It is nothing of the kind, or a block that was not saved.
    """
    if isinstance(given, pathlib.Path):
        return given.expanduser().absolute().as_uri()
    if isinstance(given, str):
        if not given.strip():
            raise errors.InvalidArgument.of_field("result_storage", "must not be empty")
        return given if _SCHEME.match(given) else location_of(pathlib.Path(given))
    if not callable(getattr(given, "storage_url", None)):
        raise errors.InvalidArgument.of_field(
            "result_storage", f"must be a URL, a folder or a block of files, not {given!r}"
        )
    if not given.saved_as:
        raise errors.InvalidArgument.of_field(
            "result_storage",
            f"the {type(given).__name__} has to be saved first, so that other processes find it by its name",
        )
    return f"{BLOCK_SCHEME}{given.saved_as}"
