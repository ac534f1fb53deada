from __future__ import annotations

import datetime
import errno
import os
import pathlib
import stat
import threading

import pytest

from headrace import errors
from headrace_server.home import Home, Status


@pytest.fixture
def home(tmp_path: pathlib.Path) -> Home:
    made = Home(tmp_path / "home")
    made.ensure()
    return made


def status(pid: int = 7) -> Status:
    return Status(
        pid=pid,
        state="ready",
        version="1.2.3",
        started_at="2026-01-01T00:00:00+00:00",
        http_url="http://127.0.0.1:4200",
        grpc_address="127.0.0.1:4201",
        database="somewhere",
        processes=1,
    )


def test_the_environment_names_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    assert Home.of_environment().root == tmp_path
    monkeypatch.delenv("HEADRACE_HOME")
    assert Home.of_environment().root == pathlib.Path.home() / ".headrace"


def test_a_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_HOME", "here")
    assert Home.of_environment().root == tmp_path / "here"


def test_only_its_owner_enters_the_home(home: Home) -> None:
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_said_with_the_way_out(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.FailedPrecondition, match="HEADRACE_HOME"):
        Home(tmp_path / "file").ensure()


def test_a_full_disk_is_said_with_the_way_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pathlib.Path, "write_bytes", refuse)
    monkeypatch.setattr(os, "fsync", refuse)
    for write in (lambda: home.write_status(status()), home.encryption_key):
        with pytest.raises(errors.FailedPrecondition, match=r"No space left on device.*make room"):
            write()
    assert [path.name for path in home.root.iterdir()] == []


def test_secrets_are_made_once_and_read_by_their_owner_alone(home: Home) -> None:
    token = home.internal_token()
    assert len(bytes.fromhex(token)) == 32
    assert home.internal_token() == token
    assert Home(home.root).internal_token() == token
    assert stat.S_IMODE((home.root / "internal-token").stat().st_mode) == 0o600
    assert home.encryption_key() != token
    assert stat.S_IMODE((home.root / "encryption-key").stat().st_mode) == 0o600


def test_a_new_key_goes_before_the_old_ones(home: Home) -> None:
    first = home.encryption_key()
    path = home.add_encryption_key()
    second, *others = home.encryption_key().split()
    assert (others, len(bytes.fromhex(second))) == ([first], 32)
    assert second != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    home.add_encryption_key()
    assert home.encryption_key().split()[1:] == [second, first]


def test_makers_at_the_same_time_agree_on_one_secret(home: Home) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(home.internal_token())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 16
    assert len(set(made)) == 1
    assert sorted(os.listdir(home.root)) == ["internal-token"]


def test_an_empty_secret_is_not_taken_for_one(home: Home) -> None:
    (home.root / "internal-token").touch()
    with pytest.raises(errors.FailedPrecondition, match="internal-token is empty"):
        home.internal_token()


def test_two_supervisors_cannot_hold_one_home(home: Home) -> None:
    with home.lock():
        home.write_status(status())
        with (
            pytest.raises(errors.AlreadyExists, match=r"process 7, http://127\.0\.0\.1:4200.*headrace server stop"),
            Home(home.root).lock(),
        ):
            pass
    with home.lock():
        assert home.is_locked()
    assert not home.is_locked()


def test_the_lock_and_not_the_file_tells_whether_a_server_runs(home: Home) -> None:
    assert home.running() is None
    home.write_status(status())
    assert home.running() is None
    with home.lock():
        home.write_status(status(pid=8))
        assert home.running() == status(pid=8)
    assert home.read_status() is None


def test_asking_whether_a_server_runs_does_not_keep_one_from_starting(home: Home) -> None:
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            home.is_locked()

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for _ in range(100):
            with home.lock():
                pass
    finally:
        stop.set()
        asker.join()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_damaged_status_is_as_none(home: Home, content: bytes) -> None:
    home.status_file.write_bytes(content)
    assert home.read_status() is None


def test_a_status_knows_for_how_long_the_server_runs() -> None:
    now = datetime.datetime(2026, 1, 1, 1, tzinfo=datetime.UTC)
    assert status().uptime(now) == datetime.timedelta(hours=1)
