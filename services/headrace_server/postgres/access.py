"""As whom Postgres runs. It refuses to run as root; for root it gets a system user of its own.

That user must reach the data and the programs, which may be below folders that root keeps closed, such
as /root. The least that helps is given: this one user may pass through (an access control entry for
search alone), and where the file system has none, everyone may pass through but not list.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import operator
import os
import pathlib
import pwd
import stat
import struct
import subprocess
from typing import Any

from headrace import errors
from headrace_server.postgres import binaries

logger = logging.getLogger(__name__)

SYSTEM_USER = "headrace"

_ACL = "system.posix_acl_access"
_ACL_VERSION = 2
_ACL_ENTRY = struct.Struct("<HHI")
_USER_OBJECT, _USER, _GROUP_OBJECT, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_GROUP_CLASS = (_USER, _GROUP_OBJECT, _GROUP)
_SEARCH = 0x01
_NO_ID = 0xFFFF_FFFF


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """As whom Postgres and its programs are run."""

    uid: int
    gid: int
    is_switched: bool
    """Whether that is another user than ours, so that child processes have to change theirs."""

    def popen_arguments(self) -> dict[str, Any]:
        """Return the arguments for `subprocess` that run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_switched else {}

    def own(self, path: pathlib.Path) -> None:
        """Make `path` belong to this user."""
        if self.is_switched:
            os.chown(path, self.uid, self.gid)

    def may_search(self, folder: pathlib.Path) -> bool:
        """Return whether this user can pass through `folder`."""
        code = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self.popen_arguments(),
        ).returncode
        return code == 0


def account() -> Account:
    """Return our own user; for root the system user `headrace`, made if it is missing.

    Raises:
        errors.FailedPrecondition: The system user cannot be made.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_switched=False)
    with contextlib.suppress(KeyError):
        return _of_entry(pwd.getpwnam(SYSTEM_USER))
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
        return _of_entry(pwd.getpwnam(SYSTEM_USER))
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        why = getattr(error, "stderr", "") or str(error)
        raise errors.FailedPrecondition(
            f"Postgres does not run as root, and its system user cannot be made ({why.strip()}). "
            f"Run `{' '.join(command)}` yourself, start the server as an ordinary user, or set HEADRACE_DATABASE_URL",
            reason="SYSTEM_USER_MISSING",
        ) from error


def open_programs(account: Account, programs: pathlib.Path) -> None:
    """Let `account` run what is in `programs`, a `bin` folder beside `lib` and `share`."""
    if not account.is_switched:
        return
    open_path(account, programs)
    if _can_run(account, programs / "postgres") and _is_readable_by_all(programs.parent / "share" / "postgres.bki"):
        return
    # Unpacked under a strict umask: these are public files, opening them tells nobody anything.
    for folder in (programs.parent, binaries.libraries(programs)):
        for path in (folder, *folder.rglob("*")) if folder.exists() else ():
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & stat.S_IXUSR else 0))


def _can_run(account: Account, program: pathlib.Path) -> bool:
    try:
        probe = subprocess.run(
            [program, "--version"], check=False, capture_output=True, cwd="/", **account.popen_arguments()
        )
    except PermissionError:
        return False
    return probe.returncode == 0


def _is_readable_by_all(path: pathlib.Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)


def open_path(account: Account, folder: pathlib.Path) -> None:
    """Let `account` pass through all parents of `folder`."""
    if not account.is_switched:
        return
    for parent in reversed(folder.resolve().parents):
        if not account.may_search(parent):
            _allow_search(account, parent)


def _allow_search(account: Account, folder: pathlib.Path) -> None:
    try:
        os.setxattr(folder, _ACL, _with_search(_entries(folder), account.uid))
    except (OSError, AttributeError):
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
        logger.warning("let all users pass through %s, so that Postgres reaches its files", folder)
    else:
        logger.warning("let the user %s pass through %s, so that Postgres reaches its files", SYSTEM_USER, folder)


def _entries(folder: pathlib.Path) -> list[tuple[int, int, int]]:
    with contextlib.suppress(OSError):
        packed = os.getxattr(folder, _ACL)
        return list(_ACL_ENTRY.iter_unpack(packed[4:]))
    mode = folder.stat().st_mode
    return [
        (_USER_OBJECT, mode >> 6 & 7, _NO_ID),
        (_GROUP_OBJECT, mode >> 3 & 7, _NO_ID),
        (_OTHER, mode & 7, _NO_ID),
    ]


def _with_search(entries: list[tuple[int, int, int]], uid: int) -> bytes:
    # The mask caps what the group class may do; it is put into the entries before it grows by our one bit.
    cap = next((permissions for tag, permissions, _ in entries if tag == _MASK), 7)
    kept = [
        (tag, permissions & cap if tag in _GROUP_CLASS else permissions, who)
        for tag, permissions, who in entries
        if tag != _MASK and (tag, who) != (_USER, uid)
    ]
    kept.append((_USER, _SEARCH, uid))
    mask = functools.reduce(operator.or_, (permissions for tag, permissions, _ in kept if tag in _GROUP_CLASS))
    kept.append((_MASK, mask, _NO_ID))
    kept.sort(key=lambda entry: (entry[0], entry[2]))
    return struct.pack("<I", _ACL_VERSION) + b"".join(_ACL_ENTRY.pack(*entry) for entry in kept)


def _of_entry(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, is_switched=True)
