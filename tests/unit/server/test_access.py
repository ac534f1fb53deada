"""The access control entry that lets Postgres through, on real files where their file system has such entries."""

from __future__ import annotations

import os
import pathlib
import stat
import struct

from headrace_server.postgres import access

_NAME = "system.posix_acl_access"
_USER_OBJECT, _USER, _GROUP_OBJECT, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFF_FFFF


def entries_of(packed: bytes) -> dict[tuple[int, int], int]:
    assert struct.unpack("<I", packed[:4]) == (2,)
    return {(tag, who): permissions for tag, permissions, who in struct.iter_unpack("<HHI", packed[4:])}


def test_one_user_gets_search_and_nobody_else_gets_anything(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o700)
    assert entries_of(access._with_search(access._entries(tmp_path), 12345)) == {
        (_USER_OBJECT, _NO_ID): 7,
        (_USER, 12345): 1,
        (_GROUP_OBJECT, _NO_ID): 0,
        (_MASK, _NO_ID): 1,
        (_OTHER, _NO_ID): 0,
    }


def test_what_the_mask_kept_from_others_stays_kept_from_them() -> None:
    before = [
        (_USER_OBJECT, 7, _NO_ID),
        (_USER, 7, 50),
        (_GROUP_OBJECT, 5, _NO_ID),
        (_MASK, 4, _NO_ID),
        (_OTHER, 0, _NO_ID),
    ]
    after = entries_of(access._with_search(before, 12345))
    assert after[_USER, 50] & after[_MASK, _NO_ID] == 4
    assert after[_GROUP_OBJECT, _NO_ID] & after[_MASK, _NO_ID] == 4
    assert after[_USER, 12345] & after[_MASK, _NO_ID] == 1


def test_the_entry_is_one_that_the_kernel_takes(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o750)
    before = stat.S_IMODE(tmp_path.stat().st_mode)
    user = access.Account(12345, 12345, is_switched=True)
    access._allow_search(user, tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) & stat.S_IRWXO in (0, stat.S_IXOTH)
    if _NAME in os.listxattr(tmp_path):
        assert entries_of(os.getxattr(tmp_path, _NAME))[_USER, 12345] == 1
        assert stat.S_IMODE(tmp_path.stat().st_mode) == before | 0o010
        access._allow_search(user, tmp_path)
        assert len(entries_of(os.getxattr(tmp_path, _NAME))) == 5


def test_an_ordinary_user_changes_nothing(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o700)
    ordinary = access.Account(os.geteuid(), os.getegid(), is_switched=False)
    access.open_path(ordinary, tmp_path / "data")
    access.open_programs(ordinary, tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert ordinary.popen_arguments() == {}
