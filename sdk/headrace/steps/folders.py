"""Code from folders: here, or on any storage that fsspec reaches."""

from __future__ import annotations

import fnmatch
import os
import pathlib
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import fsspec
from fsspec import AbstractFileSystem

from headrace import errors
from headrace.steps.output import keep_secret, say

IGNORED = (".git", "__pycache__", ".venv", "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache")
"""What is not copied to a remote folder, whatever `.headraceignore` says."""
IGNORE_FILE = ".headraceignore"


def set_working_directory(directory: str) -> dict[str, str]:
    """Go to a folder of the machine that runs this.

    Args:
        directory: Path, absolute or from the current folder.

    Returns:
        `directory`, as an absolute path.

    Raises:
        errors.NotFound: There is no such folder.
    """
    path = pathlib.Path(directory).expanduser()
    if not path.is_dir():
        raise errors.NotFound(f"there is no folder {path.absolute()} on this machine")
    os.chdir(path)
    return {"directory": os.getcwd()}


def pull_from_remote(
    url: str, directory: str | None = None, storage_options: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Copy a remote folder into a local one and go there.

    Args:
        url: fsspec URL of the folder: s3://bucket/folder, gs://..., file:///...
        directory: Where to; by default a folder named as the remote one, in the current folder.
        storage_options: What the storage needs, such as keys.

    Returns:
        `directory`, where the files are; `files`, how many.

    Raises:
        errors.HeadraceError: The storage is not known here or cannot be read, or there is nothing.
    """
    storage, root = _open(url, storage_options)
    target = pathlib.Path(directory or posixpath.basename(root.rstrip("/")) or "code").absolute()
    found = sorted(str(path) for path in storage.find(root))
    if not found:
        raise errors.NotFound(f"there is nothing at {url}")
    prefix = root.rstrip("/") + "/"
    for remote in found:
        local = (target / remote.removeprefix(prefix)).resolve()
        if not local.is_relative_to(target.resolve()):
            raise errors.InvalidArgument(f"{remote} would be written outside of {target}")
        local.parent.mkdir(parents=True, exist_ok=True)
        storage.get_file(remote, str(local))
    say(f"Copied {len(found)} files from {url}")
    os.chdir(target)
    return {"directory": str(target), "files": str(len(found))}


def push_to_remote(url: str, directory: str = ".", storage_options: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Copy a local folder to a remote one, for `pull_from_remote`.

    Files that match a line of `.headraceignore` stay here, and so do version control, caches and environments.

    Args:
        url: fsspec URL of the remote folder.
        directory: What to copy.
        storage_options: What the storage needs, such as keys.

    Returns:
        `url`, the remote folder; `files`, how many.

    Raises:
        errors.HeadraceError: The storage is not known here or cannot be written.
    """
    storage, root = _open(url, storage_options)
    base = pathlib.Path(directory).absolute()
    if not base.is_dir():
        raise errors.NotFound(f"there is no folder {base}")
    count = 0
    for file in _files(base):
        remote = f"{root.rstrip('/')}/{file.relative_to(base).as_posix()}"
        storage.makedirs(posixpath.dirname(remote), exist_ok=True)
        storage.put_file(str(file), remote)
        count += 1
    say(f"Copied {count} files to {url}")
    return {"url": url, "files": str(count)}


def _open(url: str, storage_options: Mapping[str, Any] | None) -> tuple[AbstractFileSystem, str]:
    keep_secret(dict(storage_options or {}))
    try:
        storage, root = fsspec.core.url_to_fs(url, **dict(storage_options or {}))
    except (ImportError, ValueError) as error:
        # fsspec names the package that is missing.
        raise errors.FailedPrecondition(f"{url} cannot be reached from here: {error}") from None
    return storage, str(root)


def _files(base: pathlib.Path) -> Iterator[pathlib.Path]:
    patterns = [*IGNORED, *_ignored_by_user(base)]
    for folder, names, files in os.walk(base):
        here = pathlib.Path(folder)
        names[:] = sorted(name for name in names if not _is_ignored((here / name).relative_to(base), patterns))
        for name in sorted(files):
            if not _is_ignored((here / name).relative_to(base), patterns):
                yield here / name


def _ignored_by_user(base: pathlib.Path) -> list[str]:
    file = base / IGNORE_FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line.strip().rstrip("/") for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _is_ignored(path: pathlib.Path, patterns: list[str]) -> bool:
    return any(
        fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(path.as_posix(), pattern.lstrip("/"))
        for pattern in patterns
    )
