"""Whether the packages are installed that only a server needs. Without them this much of it must still be loadable."""

from __future__ import annotations

import importlib.metadata
import re

# A package of the extra that is for every platform.
_OF_THE_EXTRA = re.compile(r"(?P<name>[A-Za-z0-9._-]+)[^;]*; *extra == ['\"]server['\"]$")


def missing_packages() -> list[str]:
    """Return the packages of the extra `server` that are not installed."""
    missing = []
    for requirement in importlib.metadata.requires("headrace") or ():
        if match := _OF_THE_EXTRA.match(requirement):
            try:
                importlib.metadata.distribution(match["name"])
            except importlib.metadata.PackageNotFoundError:
                missing.append(match["name"])
    return missing


def what_is_missing() -> str:
    """Return a sentence that says what to install, "" if nothing is missing."""
    missing = missing_packages()
    if not missing:
        return ""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"a server needs packages that are not installed ({missing[0]}{more}). "
        'Install them with: pip install "headrace[server]"'
    )
