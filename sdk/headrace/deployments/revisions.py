"""Which revision of the source a folder holds."""

from __future__ import annotations

import pathlib
import subprocess
import urllib.parse
from dataclasses import dataclass

from headrace.api.v1 import deployment_pb2

_HOSTS = {"github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket", "dev.azure.com": "azuredevops"}
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit that is checked out."""

    commit: str
    branch: str
    """Empty if a commit is checked out by itself."""
    message: str
    repository: str
    """URL of the remote that it comes from; empty if there is none."""
    is_dirty: bool
    """Whether files were changed since."""
    is_pushed: bool
    """Whether a branch of the remote, as far as is known here, has the commit."""

    def to_proto(self) -> deployment_pb2.VersionInfo:
        """Return the revision in the words of the contract."""
        host = urllib.parse.urlsplit(self.repository).hostname or ""
        return deployment_pb2.VersionInfo(
            type=f"vcs:{_HOSTS.get(host, 'git')}",
            revision=self.commit,
            branch=self.branch,
            message=self.message,
            url=self._page(host),
        )

    def _page(self, host: str) -> str:
        if host not in ("github.com", "gitlab.com"):
            return ""
        path = urllib.parse.urlsplit(self.repository).path.removesuffix(".git").rstrip("/")
        return f"https://{host}{path}/commit/{self.commit}"


def find_revision(folder: pathlib.Path) -> Revision | None:
    """Return the revision of a folder; None if it is under no version control, or git is not there."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    branch = _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD") or ""
    return Revision(
        commit=commit,
        branch=branch,
        message=_git(folder, "log", "-1", "--format=%s") or "",
        repository=_without_password(_git(folder, "remote", "get-url", _remote(folder, branch)) or ""),
        is_dirty=bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
        is_pushed=bool(_git(folder, "branch", "--remotes", "--contains", commit)),
    )


def _remote(folder: pathlib.Path, branch: str) -> str:
    return (branch and _git(folder, "config", f"branch.{branch}.remote")) or "origin"


def _without_password(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if not parts.password and not (parts.username and parts.scheme in ("http", "https")):
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _git(folder: pathlib.Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # nosec B607  # the git of the path, as people use it
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
