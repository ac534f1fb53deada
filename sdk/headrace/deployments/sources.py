"""Where the code of a flow comes from, when it is not here.

flow.from_source("https://github.com/org/repo.git", "flows/etl.py:etl").deploy("nightly", "pool")
flow.from_source(GitRepository(url, branch="main", access_token="{{ $GIT_TOKEN }}"), "flows/etl.py:etl").serve()
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from headrace import errors
from headrace.engine.loading import load_flow
from headrace.settings import get_settings
from headrace.steps.running import Step, run_steps

if TYPE_CHECKING:
    from headrace.flows import Flow

logger = logging.getLogger("headrace.deploy")


class Source(Protocol):
    """Something that code can be fetched from."""

    def steps(self) -> list[Step]:
        """Return what a run does to have the code; the last folder is the one that entrypoints start from."""


@dataclass(frozen=True, kw_only=True)
class GitRepository:
    """A git repository.

    Texts may have placeholders, which are filled where the code is fetched: `{{ $NAME }}` by the environment,
    `{{ headrace.blocks.git-credentials.NAME }}` by a block. Write no secret itself: it would be kept for all to see.

    Args:
        url: URL or path.
        branch: A branch or tag; by default that of the repository.
        commit: This commit.
        directory: The folder in it that entrypoints start from.
        include_submodules: Whether submodules are fetched too.
        depth: How much history; all of it by default.
        access_token: Token for an http(s) repository, as a placeholder.
        credentials: `username`, and `password` or `token`; as a placeholder of a block, or with placeholders.
        cache: Whether workers keep what they fetch; by default as HEADRACE_GIT_CACHE tells them.
    """

    url: str
    branch: str | None = None
    commit: str | None = None
    directory: str | None = None
    include_submodules: bool = False
    depth: int | None = None
    access_token: str | None = None
    credentials: str | Mapping[str, str] | None = None
    cache: bool | None = None

    def __post_init__(self) -> None:
        secrets = [self.access_token, *(_secrets_of(self.credentials))]
        if any(secret is not None and "{{" not in secret for secret in secrets):
            raise errors.InvalidArgument.of_field(
                "credentials", 'must be placeholders such as "{{ $GIT_TOKEN }}", for they are kept with deployments'
            )

    def steps(self) -> list[Step]:
        """Return the step that clones it."""
        told = dataclasses.asdict(self).items()
        given = {key: value for key, value in told if value not in (None, False) or (key == "cache" and value is False)}
        return [Step("git_clone", {"repository": given.pop("url"), **given})]


def _secrets_of(credentials: str | Mapping[str, str] | None) -> list[str]:
    if credentials is None or isinstance(credentials, str):
        return [] if credentials is None else [credentials]
    return [value for key, value in credentials.items() if key != "username"]


@dataclass(frozen=True)
class RemoteFolder:
    """A folder on any storage that fsspec reaches.

    Args:
        url: Such as s3://bucket/folder.
        storage_options: What the storage needs, as placeholders.
    """

    url: str
    storage_options: Mapping[str, Any] = field(default_factory=dict)

    def steps(self) -> list[Step]:
        """Return the step that copies it."""
        options = {"storage_options": dict(self.storage_options)} if self.storage_options else {}
        return [Step("pull_from_remote", {"url": self.url, **options})]


@dataclass(frozen=True)
class LocalFolder:
    """A folder of the machine that runs the flow.

    Args:
        path: Where it is.
    """

    path: str | os.PathLike[str]

    def steps(self) -> list[Step]:
        """Return the step that goes there."""
        return [Step("set_working_directory", {"directory": os.path.abspath(self.path)})]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a flow was loaded from."""

    source: Source
    entrypoint: str


def source_of(source: Source | str | os.PathLike[str]) -> Source:
    """Return the source of a text: a URL that ends in `.git`, another URL, or a path, also of a bare repository.

    Raises:
        errors.InvalidArgument: It names none.
    """
    if not isinstance(source, str | os.PathLike):
        return source
    text = os.fspath(source)
    if "://" not in text and not text.startswith("git@"):
        # A path ends in .git where it is a bare repository: there is no code in that folder itself.
        is_bare = text.endswith(".git") and os.path.isfile(os.path.join(text, "HEAD"))
        return GitRepository(url=os.path.abspath(text)) if is_bare else LocalFolder(text)
    if text.endswith(".git") or text.startswith(("git@", "ssh://", "git://")):
        return GitRepository(url=text)
    if text.startswith(("http://", "https://")):
        raise errors.InvalidArgument.of_field(
            "source", "a repository's URL ends in .git; for any other use GitRepository(url=...)"
        )
    return RemoteFolder(text)


def load_from(source: Source | str | os.PathLike[str], entrypoint: str) -> Flow[..., Any]:
    """Fetch code and return a flow of it, which remembers where it came from.

    The code stays in the folder `sources` of the home, and is brought up to date by the next call.

    Args:
        source: Where the code is.
        entrypoint: The flow in it: file.py:function, package.module:function or package.module.function.

    Raises:
        headrace.steps.StepFailed: The code cannot be fetched.
        headrace.engine.loading.LoadError: There is no such flow in it.
    """
    found = source_of(source)
    steps = found.steps()
    described = json.dumps([[step.name, dict(step.inputs)] for step in steps], sort_keys=True, default=str)
    folder = get_settings().home / "sources" / hashlib.sha256(described.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with _staying_here():
        os.chdir(folder)
        run_steps(steps, logger=logger)
        place = pathlib.Path.cwd()
    flow = load_flow(entrypoint, str(place)).with_options()
    flow.origin = Origin(found, entrypoint)
    return flow


@contextlib.contextmanager
def _staying_here() -> Iterator[None]:
    before = os.getcwd()
    try:
        yield
    finally:
        os.chdir(before)
