"""What git steps fetch is kept for the next run, and never a reason why one fails."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess
import sys

import pytest

from headrace import errors
from headrace.settings import get_settings
from headrace.steps import git_clone

IDENTITY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")


def git(folder: pathlib.Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(repository: pathlib.Path, word: str) -> str:
    """Add a commit; return it."""
    (repository / "word.txt").write_text(word)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", word)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A repository with a commit; an empty home beside it."""
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    made = tmp_path / "code"
    made.mkdir()
    git(made, "init", "--quiet", "-b", "main")
    commit(made, "first")
    return made


def cloned(
    repository: pathlib.Path,
    into: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    branch: str | None = None,
    commit: str | None = None,
    cache: bool | None = True,
) -> str:
    """Clone into a new folder, by way of a mirror; return the word in it."""
    into.mkdir()
    monkeypatch.chdir(into)
    git_clone(f"file://{repository}", branch=branch, commit=commit, clone_directory="code", cache=cache)
    return (into / "code" / "word.txt").read_text()


def mirrors() -> list[pathlib.Path]:
    return sorted((get_settings().home / "repositories").glob("*.git"))


def test_what_was_fetched_is_not_copied_again(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloned(repository, tmp_path / "one", monkeypatch) == "first"
    [mirror] = mirrors()
    shared = [path for path in (mirror / "objects").rglob("*") if path.is_file() and path.parent.name != "info"]
    assert shared
    # Each file stands in the mirror and in the clone, and takes room once.
    assert all(path.stat().st_nlink == 2 for path in shared)
    newer = commit(repository, "second")
    assert cloned(repository, tmp_path / "two", monkeypatch) == "second"
    assert mirrors() == [mirror]
    assert git(tmp_path / "two" / "code", "rev-parse", "HEAD") == newer
    assert git(tmp_path / "two" / "code", "fsck", "--full") == ""


def test_branches_tags_and_commits_are_found_in_a_mirror(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "the first")
    git(repository, "checkout", "--quiet", "-b", "side")
    side = commit(repository, "side")
    git(repository, "checkout", "--quiet", "main")
    commit(repository, "second")
    assert cloned(repository, tmp_path / "a", monkeypatch, branch="side") == "side"
    assert cloned(repository, tmp_path / "b", monkeypatch, branch="v1") == "first"
    assert cloned(repository, tmp_path / "c", monkeypatch, commit=side) == "side"
    assert cloned(repository, tmp_path / "d", monkeypatch, commit=first[:12]) == "first"
    assert cloned(repository, tmp_path / "e", monkeypatch) == "second"
    assert (
        git(tmp_path / "e" / "code", "describe", "--tags") == f"v1-1-g{git(repository, 'rev-parse', '--short', 'HEAD')}"
    )
    with pytest.raises(errors.FailedPrecondition, match=r"git fetch: .*nothing"):
        cloned(repository, tmp_path / "f", monkeypatch, branch="nothing")
    assert len(mirrors()) == 1


def test_a_branch_that_was_moved_back_is_followed(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, "second")
    assert cloned(repository, tmp_path / "one", monkeypatch) == "second"
    git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    assert cloned(repository, tmp_path / "two", monkeypatch) == "first"


def test_a_clone_lives_without_its_mirror(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_GIT_CACHE_MAX_BYTES", str(1024 * 1024))
    assert cloned(repository, tmp_path / "one", monkeypatch) == "first"
    assert len(mirrors()) == 1
    (repository / "large.bin").write_bytes(os.urandom(2 * 1024 * 1024))
    commit(repository, "large")
    assert cloned(repository, tmp_path / "two", monkeypatch) == "large"
    assert mirrors() == []
    for name in ("one", "two"):
        assert git(tmp_path / name / "code", "fsck", "--full") == ""


def test_the_mirror_that_was_not_used_for_longest_goes_first(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_GIT_CACHE_MAX_BYTES", str(3 * 1024 * 1024))
    paths = []
    for name in ("a", "b", "c"):
        other = tmp_path / f"code-{name}"
        git(tmp_path, "clone", "--quiet", str(repository), other.name)
        (other / "large.bin").write_bytes(os.urandom(1024 * 1024))
        commit(other, name)
        cloned(other, tmp_path / name, monkeypatch)
        paths.append(next(path for path in mirrors() if path not in paths))

    assert paths[0] not in mirrors()
    assert paths[2] in mirrors()


def test_a_broken_mirror_is_made_anew(
    repository: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cloned(repository, tmp_path / "one", monkeypatch)
    [mirror] = mirrors()
    (mirror / "HEAD").unlink()
    assert cloned(repository, tmp_path / "two", monkeypatch) == "first"
    assert "is made anew" in capfd.readouterr().out
    assert mirrors() == []
    assert cloned(repository, tmp_path / "three", monkeypatch) == "first"
    assert mirrors() == [mirror]


def test_what_a_killed_process_left_locked_holds_nobody_up(
    repository: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cloned(repository, tmp_path / "one", monkeypatch)
    [mirror] = mirrors()
    (mirror / "packed-refs.lock").touch()
    for path in (mirror / "refs" / "headrace").iterdir():
        path.with_name(f"{path.name}.lock").touch()
    commit(repository, "second")
    assert cloned(repository, tmp_path / "two", monkeypatch) == "second"
    assert "made anew" not in capfd.readouterr().out


@pytest.mark.parametrize(("setting", "cache"), [("false", None), ("true", False), ("true", None)])
def test_nothing_is_kept_where_it_is_not_wanted(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, setting: str, cache: bool | None
) -> None:
    # By default a repository on this machine is not kept a second time.
    monkeypatch.setenv("HEADRACE_GIT_CACHE", setting)
    assert cloned(repository, tmp_path / "one", monkeypatch, cache=cache) == "first"
    assert mirrors() == []


def test_many_runs_that_begin_at_once_share_what_is_fetched(repository: pathlib.Path, tmp_path: pathlib.Path) -> None:
    wanted = commit(repository, "second")
    script = (
        "import sys; from headrace.steps import git_clone; git_clone(sys.argv[1], clone_directory='code', cache=True)"
    )

    def clone(number: int) -> str:
        into = tmp_path / f"run-{number}"
        into.mkdir()
        subprocess.run([sys.executable, "-c", script, f"file://{repository}"], cwd=into, check=True, timeout=120)
        return git(into / "code", "rev-parse", "HEAD")

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert set(threads.map(clone, range(8))) == {wanted}
    [mirror] = mirrors()
    assert git(mirror, "fsck", "--full") == ""


def test_a_mirror_opens_nothing_to_who_may_not_have_it(
    repository: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned(repository, tmp_path / "one", monkeypatch)
    # As far as git is concerned, it may no longer be read.
    repository.rename(tmp_path / "gone")
    with pytest.raises(errors.FailedPrecondition, match="git fetch"):
        cloned(repository, tmp_path / "two", monkeypatch)
    assert not (tmp_path / "two" / "code" / "word.txt").exists()
