"""The access control entry that lets Postgres through, on real files where their file system has such entries."""

from __future__ import annotations

import os
import pathlib
import stat
import struct
import tempfile

import pytest

from headrace import errors
from headrace_server.postgres import access
from headrace_server.postgres.sockets import ensure_own, socket_folder

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


def test_a_socket_is_with_the_data_where_its_path_fits(tmp_path: pathlib.Path) -> None:
    short = pathlib.Path("/srv/headrace/postgres")
    ordinary = access.Account(1000, 1000, is_switched=False)
    assert socket_folder(short, ordinary) == short
    long = pathlib.Path("/srv") / ("d" * 100) / "postgres"
    elsewhere = socket_folder(long, ordinary)
    assert elsewhere.name.startswith("headrace-1000-")
    assert elsewhere == socket_folder(long, ordinary)
    assert elsewhere != socket_folder(long / "other", ordinary)


def test_a_temporary_folder_with_a_long_path_is_passed_over(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    ordinary = access.Account(1000, 1000, is_switched=False)
    assert not socket_folder(deep / "postgres", ordinary).is_relative_to(deep)


def test_a_socket_folder_that_somebody_else_has_made_is_refused(tmp_path: pathlib.Path) -> None:
    ours = access.Account(os.geteuid(), os.getegid(), is_switched=False)
    ensure_own(tmp_path / "new", ours)
    ensure_own(tmp_path / "new", ours)
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "new")
    stranger = access.Account(os.geteuid() + 1, os.getegid(), is_switched=False)
    for folder, account in (("open", ours), ("link", ours), ("new", stranger)):
        with pytest.raises(errors.FailedPrecondition, match="belongs to another user"):
            ensure_own(tmp_path / folder, account)
