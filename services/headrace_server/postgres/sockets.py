"""Where the unix socket of a cluster is: with the data, or in a folder of its own where that path is too long."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import tempfile

from headrace import errors
from headrace_server.postgres.access import Account

PORT = 5432
"""Only names the socket; nothing listens on a port."""

SOCKET = f".s.PGSQL.{PORT}"

LONGEST_PATH = 103
"""Bytes of a socket's path that every system takes."""

_OTHER_PLACES = ("/tmp", "/var/tmp")  # nosec B108  # see `ensure_own`


def socket_folder(data: pathlib.Path, account: Account) -> pathlib.Path:
    """Return the folder for the socket of the cluster in `data`; the same one each time.

    Raises:
        errors.FailedPrecondition: Every place has too long a path.
    """
    inside = data.resolve()
    if _fits(inside):
        return inside
    name = f"headrace-{account.uid}-{hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]}"
    for place in (tempfile.gettempdir(), *_OTHER_PLACES):
        folder = pathlib.Path(place) / name
        if _fits(folder) and os.access(place, os.W_OK):
            return folder
    raise errors.FailedPrecondition(
        f"the path {data} is too long for a socket; set HEADRACE_HOME to a shorter one", reason="PATH_TOO_LONG"
    )


def ensure_own(folder: pathlib.Path, account: Account) -> None:
    """Make `folder` for `account` alone.

    Raises:
        errors.FailedPrecondition: Somebody else has made it: it is in a place where anyone may make folders.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        account.own(folder)
    facts = folder.lstat()
    if facts.st_uid != account.uid or facts.st_mode & 0o77 or folder.is_symlink():
        raise errors.FailedPrecondition(
            f"{folder} belongs to another user; remove it, or set HEADRACE_HOME to a shorter path",
            reason="SOCKET_FOLDER_NOT_OURS",
        )


def _fits(folder: pathlib.Path) -> bool:
    return len(os.fsencode(folder / SOCKET)) <= LONGEST_PATH
