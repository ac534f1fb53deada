from __future__ import annotations

import importlib.metadata
import pathlib

import pytest
from click.testing import CliRunner

from headrace import errors
from headrace_server import ephemeral, extra
from headrace_server.cli import server


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.distribution

    def distribution(name: str) -> importlib.metadata.Distribution:
        if name in ("asyncpg", "uvicorn"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)


def test_nothing_is_missing_here() -> None:
    assert extra.missing_packages() == []
    assert extra.what_is_missing() == ""


@pytest.mark.usefixtures("without_packages")
def test_a_missing_package_is_answered_with_the_command_to_run() -> None:
    assert extra.missing_packages() == ["asyncpg", "uvicorn"]
    for arguments in (["start"], ["status"], ["database", "current"]):
        answer = CliRunner().invoke(server, arguments)
        assert answer.exit_code == 1
        assert answer.output.count("\n") == 1
        assert 'pip install "headrace[server]"' in answer.output
    assert CliRunner().invoke(server, ["--help"]).exit_code == 0


@pytest.mark.usefixtures("without_packages")
def test_no_server_is_started_for_a_script_without_the_packages(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Unavailable, match=r"asyncpg and 1 more.*headrace\[server\]"), ephemeral.start():
        pass
