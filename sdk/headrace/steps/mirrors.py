"""What was fetched of repositories, kept on this machine: a bare repository each, shared by all runs of its worker.

A step still asks the repository itself, with its own credentials, for what it wants, and so gets what is there now and
only what it may have; but what was fetched before is not fetched again. A working folder gets the files of a mirror as
hard links where it can, and owes the mirror nothing afterwards: mirrors may go at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

from headrace import errors
from headrace.steps.programs import Git

LONGEST_WAIT_SECONDS = 600.0
"""How long a step waits for others that fetch into the same mirror, before it does without."""

_PAUSE_SECONDS = 0.05
_COMMITS = "+refs/heads/*:refs/heads/*"
_KEPT = "refs/headrace/"


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The mirrors of this machine.

    Args:
        folder: Where they are.
        most_bytes: How much room they may take; those go first that were not used for longest.
    """

    folder: pathlib.Path
    most_bytes: int

    def bring(self, git: Git, repository: str, target: pathlib.Path, wanted: str | None, commit: str | None) -> str:
        """Bring what is wanted into a working repository, by way of a mirror, and return the revision to check out.

        Args:
            git: Runs git with the credentials of the step.
            repository: Its URL.
            target: The working repository; it may be new.
            wanted: A branch or tag; None is what the repository's HEAD says.
            commit: In place of that, a commit of any branch.

        Raises:
            errors.FailedPrecondition: git could not do it.
            errors.DeadlineExceeded: Others use the mirror all the time.
            OSError: The disk is full, or not to be written to.
        """
        asked_at = time.time()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mirror = self._path(repository)
        with _locked(mirror, fcntl.LOCK_EX):
            revision = _update(git, mirror, repository, wanted, commit, asked_at)
        # From here on others may fetch: what a mirror has it keeps.
        with _locked(mirror, fcntl.LOCK_SH):
            if not mirror.exists():
                raise errors.FailedPrecondition("the copy was removed to make room")
            _copy(git, mirror, target)
        self._bound(keep=mirror)
        return revision

    def drop(self, repository: str) -> None:
        """Remove a mirror that is of no use."""
        mirror = self._path(repository)
        with _locked(mirror, fcntl.LOCK_EX):
            shutil.rmtree(mirror, ignore_errors=True)

    def _path(self, repository: str) -> pathlib.Path:
        return self.folder / f"{hashlib.sha256(repository.encode()).hexdigest()[:32]}.git"

    def _bound(self, keep: pathlib.Path) -> None:
        mirrors = [path for path in self.folder.glob("*.git") if path.is_dir()]
        sizes = {path: _size_of(path) for path in mirrors}
        excess = sum(sizes.values()) - self.most_bytes
        for path in sorted(mirrors, key=_used_at):
            if excess <= 0:
                return
            if path == keep:
                continue
            # One that is in use just now is no candidate.
            with contextlib.suppress(BlockingIOError), _locked(path, fcntl.LOCK_EX, patience_seconds=0.0):
                shutil.rmtree(path, ignore_errors=True)
                excess -= sizes[path]
        if excess > 0:
            # The only one left is too large itself; it would be kept for nothing.
            with contextlib.suppress(BlockingIOError), _locked(keep, fcntl.LOCK_EX, patience_seconds=0.0):
                shutil.rmtree(keep, ignore_errors=True)


def _update(
    git: Git, mirror: pathlib.Path, repository: str, wanted: str | None, commit: str | None, asked_at: float
) -> str:
    """Fetch into a mirror, which is made if it is not there, and return the commit that is wanted.

    If somebody with the same credentials has fetched the same since `asked_at`, that serves: of many runs that begin at
    once, two ask the repository.
    """
    if not mirror.exists():
        new = mirror.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        git.run("init", "--quiet", "--bare", str(new), folder=mirror.parent)
        # Whatever git tidies up it does while nobody else may look.
        git.of(new).run("config", "gc.autoDetach", "false", folder=new)
        new.rename(mirror)
    # Nobody else is at it: what a process left locked that was killed is locked for nothing.
    for left in mirror.rglob("*.lock"):
        left.unlink(missing_ok=True)
    name = commit or _KEPT + hashlib.sha256((wanted or "").encode()).hexdigest()[:16]
    refs = _COMMITS if commit is not None else f"+{wanted or 'HEAD'}:{name}"
    stamp = mirror / f"fetched-{hashlib.sha256(f'{refs} {git.identity}'.encode()).hexdigest()[:16]}"
    if not _was_made(stamp, asked_at):
        began_at = time.time()
        git.of(mirror).run("fetch", "--quiet", "--force", "--tags", "--", repository, refs, folder=mirror)
        stamp.touch()
        os.utime(stamp, (began_at, began_at))
    return git.of(mirror).run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", folder=mirror).strip()


def _was_made(stamp: pathlib.Path, asked_at: float) -> bool:
    try:
        return asked_at <= stamp.stat().st_mtime <= time.time()
    except FileNotFoundError:
        return False


def _copy(git: Git, mirror: pathlib.Path, target: pathlib.Path) -> None:
    """Give a working repository all objects of a mirror, and its tags and branches."""
    objects = mirror / "objects"
    # Packs come before their indexes: an index without its pack is taken for damage.
    for source in sorted(objects.rglob("*"), key=lambda path: path.suffix == ".idx"):
        place = target / ".git" / "objects" / source.relative_to(objects)
        if source.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists() and source.suffix != ".keep" and not source.name.startswith("tmp_"):
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(source, place)
    form = "--format=update %(refname) %(objectname)"
    refs = git.of(mirror).run("for-each-ref", form, "refs/tags", "refs/heads", folder=mirror)
    refs = refs.replace("update refs/heads/", "update refs/remotes/origin/")
    git.run("update-ref", "--stdin", folder=target, standard_input=refs)


def _link(source: pathlib.Path, place: pathlib.Path) -> None:
    try:
        os.link(source, place)
    except FileExistsError:
        return
    except OSError:
        # Another file system, or one without links.
        shutil.copy2(source, place)


@contextlib.contextmanager
def _locked(mirror: pathlib.Path, how: int, patience_seconds: float = LONGEST_WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of a mirror, shared or alone. Its file stays when the mirror goes, so that all lock the same."""
    deadline = time.monotonic() + patience_seconds
    descriptor = os.open(mirror.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if patience_seconds == 0.0:
                    raise
                if time.monotonic() >= deadline:
                    raise errors.DeadlineExceeded("others use the copy of the repository all the time") from None
            time.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))
        os.utime(descriptor)
        yield
    finally:
        os.close(descriptor)


def _used_at(mirror: pathlib.Path) -> float:
    try:
        return mirror.with_suffix(".lock").stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size_of(folder: pathlib.Path) -> int:
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                size += os.stat(os.path.join(place, name)).st_size
    return size
