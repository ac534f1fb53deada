"""Code from git repositories."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import re
import shutil
import urllib.parse
from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace.settings import get_settings
from headrace.steps.mirrors import Mirrors
from headrace.steps.output import keep_secret, say
from headrace.steps.programs import Git

_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")


def git_clone(
    repository: str,
    branch: str | None = None,
    commit: str | None = None,
    directory: str | None = None,
    clone_directory: str | None = None,
    include_submodules: bool = False,
    depth: int | None = None,
    sparse: list[str] | None = None,
    access_token: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    cache: bool | None = None,
) -> dict[str, str]:
    """Clone a repository into the current folder and go there. Needs the program `git`.

    Args:
        repository: URL or path of the repository; without credentials, which would be shown by git.
        branch: A branch or tag; by default that of the repository.
        commit: This commit, whatever the branch points to.
        directory: A folder of the repository to go to.
        clone_directory: Where to clone to; by default a folder named as the repository. One that is there is updated.
        include_submodules: Whether submodules are cloned too.
        depth: How much history; all of it by default.
        sparse: Only these folders of the repository.
        access_token: Token for an http(s) repository.
        credentials: `username`, and `password` or `token`, for an http(s) repository, as of a block.
        cache: Whether what is fetched is kept on this machine for later runs; by default as HEADRACE_GIT_CACHE says,
            and not for repositories that are on this machine. With a depth nothing is kept.

    Returns:
        `directory`, where the code is; `commit`, which one it is; `branch`.

    Raises:
        errors.HeadraceError: git is not there, or could not do it.
    """
    if shutil.which("git") is None:
        raise errors.FailedPrecondition("git is not installed here; install it, or use another step")
    if not repository or repository.startswith("-"):
        raise errors.InvalidArgument.of_field("repository", "must be a URL or a path")
    if commit is not None and _COMMIT.fullmatch(commit) is None:
        raise errors.InvalidArgument.of_field("commit", f"must be the hash of a commit, not {commit!r}")
    if branch is not None and branch.startswith("-"):
        raise errors.InvalidArgument.of_field("branch", "must be the name of a branch or tag")
    git = Git(_environment(repository, access_token, credentials))
    target = pathlib.Path(clone_directory or _folder_name(repository)).absolute()
    if (target / ".git").exists():
        git.run("remote", "set-url", "origin", _absolute(repository), folder=target)
    else:
        target.mkdir(parents=True, exist_ok=True)
        git.run("init", "--quiet", folder=target)
        git.run("remote", "add", "origin", _absolute(repository), folder=target)
    if sparse:
        git.run("sparse-checkout", "set", "--", *sparse, folder=target)
    found = _bring(git, repository, target, branch, commit, depth, cache)
    git.run("checkout", "--quiet", "--force", "--detach", found, folder=target)
    if include_submodules:
        shallow = ["--depth", str(depth)] if depth else []
        git.run("submodule", "update", "--init", "--recursive", "--force", *shallow, folder=target)
    revision = git.run("rev-parse", "HEAD", folder=target).strip()
    say(f"Cloned {repository} at {revision[:12]}" + (f" ({branch})" if branch else ""))
    place = (target / directory).resolve() if directory else target
    if not place.is_relative_to(target.resolve()) or not place.is_dir():
        raise errors.NotFound(f"{repository} has no folder {directory} at {revision[:12]}")
    os.chdir(place)
    return {"directory": str(place), "commit": revision, "branch": branch or ""}


def _bring(
    git: Git,
    repository: str,
    target: pathlib.Path,
    branch: str | None,
    commit: str | None,
    depth: int | None,
    cache: bool | None,
) -> str:
    """Bring what is wanted into the clone, by way of this machine's mirror where that serves."""
    settings = get_settings()
    is_local = repository.startswith("file://") or pathlib.Path(repository).exists()
    # Of history that is cut short, and of what is on this machine anyway, nothing is kept.
    if depth is not None or not (settings.git_cache and not is_local if cache is None else cache):
        return _fetch(git, target, branch, commit, depth)
    mirrors = Mirrors(settings.home / "repositories", settings.git_cache_max_bytes)
    try:
        return mirrors.bring(git, _absolute(repository), target, branch, commit)
    except (errors.FailedPrecondition, errors.DeadlineExceeded, OSError) as error:
        # Whether it is the mirror's fault turns out now; if it is not, this tells what is wrong.
        found = _fetch(git, target, branch, commit, depth)
        say(f"The copy of {repository} on this machine is of no use and is made anew: {error}")
        with contextlib.suppress(errors.DeadlineExceeded, OSError):
            mirrors.drop(_absolute(repository))
        return found


def _fetch(git: Git, target: pathlib.Path, branch: str | None, commit: str | None, depth: int | None) -> str:
    """Fetch what is wanted and return the revision to check out."""
    shallow = ["--depth", str(depth)] if depth else []
    if commit is None:
        git.run("fetch", "--quiet", "--force", "--tags", *shallow, "origin", branch or "HEAD", folder=target)
        return "FETCH_HEAD"
    if depth:
        # Not every server gives a commit by its hash; then all branches are fetched, as without a depth.
        try:
            git.run("fetch", "--quiet", *shallow, "origin", commit, folder=target)
        except errors.FailedPrecondition:
            say("The server does not give single commits; all branches are fetched.")
        else:
            return commit
    git.run("fetch", "--quiet", "--force", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*", folder=target)
    return commit


def _environment(repository: str, token: str | None, credentials: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the environment of git: it asks nobody, and finds credentials where neither logs nor `ps` show them."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    keep_secret(dict(credentials or {}))
    parts = urllib.parse.urlsplit(repository)
    if parts.password:
        raise errors.InvalidArgument.of_field(
            "repository", "must not hold a password; give access_token or credentials, as a block or {{ $TOKEN }}"
        )
    user, password = _user_and_password(token, credentials)
    if password is None:
        return environment
    if parts.scheme not in ("http", "https"):
        raise errors.InvalidArgument.of_field("repository", "takes a token or password by http or https only")
    written = base64.b64encode(f"{user}:{password}".encode()).decode()
    keep_secret(written)
    keep_secret(password)
    # For this server only, whichever others submodules or redirects lead to.
    count = int(environment.get("GIT_CONFIG_COUNT", "0"))
    environment |= {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{parts.scheme}://{parts.netloc.rpartition('@')[2]}/.extraHeader",
        f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {written}",
    }
    return environment


def _user_and_password(token: str | None, credentials: Mapping[str, Any] | None) -> tuple[str, str | None]:
    given = dict(credentials or {})
    password = token or given.get("token") or given.get("password") or given.get("access_token")
    # What the large hosts of repositories take beside a token, where the user does not say.
    return str(given.get("username") or "x-access-token"), str(password) if password else None


def _absolute(repository: str) -> str:
    # A path is meant from the current folder, git would read it from the clone.
    return str(pathlib.Path(repository).absolute()) if pathlib.Path(repository).exists() else repository


def _folder_name(repository: str) -> str:
    last = re.split(r"[/:\\]", repository.rstrip("/"))[-1]
    return last.removesuffix(".git") or "repository"
