"""The scripts behind the Makefile, where they decide something."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tools import bootstrap, breaking


def test_the_bootstrap_takes_the_installer_with_its_hashes_from_the_lock() -> None:
    version, requirement = bootstrap.locked_block(bootstrap.ROOT / "requirements" / "dev.lock", "uv")
    first, *rest = requirement.rstrip("\n").split("\n")
    assert first == f"uv=={version} \\"
    assert rest
    assert all(line.strip().startswith("--hash=sha256:") for line in rest)


def test_the_bootstrap_says_what_to_do_where_the_lock_lacks_the_installer() -> None:
    with pytest.raises(bootstrap.SetupError, match="make lock"):
        bootstrap.locked_block(bootstrap.ROOT / "requirements" / "protos.lock", "uv")


def test_the_bootstrap_says_what_to_install_where_it_may_not_do_it_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "works", lambda *command: False)
    with pytest.raises(bootstrap.SetupError, match=r"apt-get install -y python3\.\d+-venv.*as root"):
        bootstrap.ensure_venv_module()


def test_a_command_that_does_not_exist_does_not_work() -> None:
    assert not bootstrap.works("no-such-command-anywhere")
    assert bootstrap.works("true")
    assert not bootstrap.works("false")


class Repository:
    """A git repository of its own to ask for a base in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setattr(breaking, "ROOT", tmp_path)
    monkeypatch.delenv("BREAKING_BASE", raising=False)
    return Repository(tmp_path)


def test_without_a_release_or_upstream_there_is_nothing_to_break(repository: Repository) -> None:
    repository.commit()
    assert breaking.base_commit() is None


def test_without_a_release_the_contracts_are_compared_with_upstream(repository: Repository) -> None:
    upstream = repository.commit()
    repository.git("update-ref", "refs/remotes/origin/main", upstream)
    repository.commit()
    assert breaking.base_commit() == upstream


def test_the_last_release_comes_before_upstream(repository: Repository) -> None:
    repository.commit()
    repository.git("tag", "v0.1.0")
    release = repository.commit()
    repository.git("tag", "v0.2.0")
    repository.git("update-ref", "refs/remotes/origin/main", repository.commit())
    assert breaking.base_commit() == release


def test_who_asks_for_a_base_gets_it_or_a_refusal(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = repository.commit()
    repository.commit()
    monkeypatch.setenv("BREAKING_BASE", "HEAD~1")
    assert breaking.base_commit() == asked
    monkeypatch.setenv("BREAKING_BASE", "nowhere")
    with pytest.raises(SystemExit, match="nowhere is no commit"):
        breaking.base_commit()
