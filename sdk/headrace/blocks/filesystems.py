"""Blocks for files: on this machine, and anywhere that fsspec reaches."""

from __future__ import annotations

import abc
import asyncio
import pathlib
import posixpath
import urllib.parse
from typing import Any, ClassVar

import fsspec
import pydantic

from headrace import errors
from headrace.blocks.core import Block
from headrace.blocks.fields import SecretDict


class FileSystem(Block, abc.ABC):
    """Files below one place. Each method that reads or writes has a twin with an `a` before its name."""

    block_capabilities: ClassVar[tuple[str, ...]] = ("get-directory", "put-directory", "read-path", "write-path")

    @abc.abstractmethod
    def storage_url(self) -> str:
        """Return the place as a URL that fsspec knows, without credentials."""

    def storage_options(self) -> dict[str, Any]:
        """Return what fsspec needs beside the URL; credentials are in here, in the open."""
        return {}

    def read_path(self, path: str) -> bytes:
        """Return what a file holds.

        Raises:
            errors.InvalidArgument: The path leads out of the place.
            FileNotFoundError: There is no such file.
        """
        filesystem, place = self._opened(path)
        content: bytes = filesystem.cat_file(place)
        return content

    def write_path(self, path: str, content: bytes) -> str:
        """Write a file, with the folders above it; returns its URL."""
        filesystem, place = self._opened(path)
        filesystem.makedirs(posixpath.dirname(place), exist_ok=True)
        filesystem.pipe_file(place, content)
        return f"{self.storage_url().rstrip('/')}/{path.lstrip('/')}"

    def get_directory(self, from_path: str = "", local_path: str | pathlib.Path = ".") -> None:
        """Copy the files below a folder to a folder of this machine."""
        filesystem, place = self._opened(from_path)
        target = pathlib.Path(local_path)
        target.mkdir(parents=True, exist_ok=True)
        filesystem.get(place.rstrip("/") + "/", f"{target}/", recursive=True)

    def put_directory(self, local_path: str | pathlib.Path = ".", to_path: str = "") -> int:
        """Copy the files below a folder of this machine; returns how many."""
        filesystem, place = self._opened(to_path)
        root = pathlib.Path(local_path)
        files = [file for file in sorted(root.rglob("*")) if file.is_file()]
        for file in files:
            target = posixpath.join(place, file.relative_to(root).as_posix())
            filesystem.makedirs(posixpath.dirname(target), exist_ok=True)
            filesystem.put_file(str(file), target)
        return len(files)

    async def aread_path(self, path: str) -> bytes:
        """Return what a file holds; as `read_path`."""
        return await asyncio.to_thread(self.read_path, path)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Write a file; as `write_path`."""
        return await asyncio.to_thread(self.write_path, path, content)

    async def aget_directory(self, from_path: str = "", local_path: str | pathlib.Path = ".") -> None:
        """Copy files to this machine; as `get_directory`."""
        await asyncio.to_thread(self.get_directory, from_path, local_path)

    async def aput_directory(self, local_path: str | pathlib.Path = ".", to_path: str = "") -> int:
        """Copy files from this machine; as `put_directory`."""
        return await asyncio.to_thread(self.put_directory, local_path, to_path)

    def _opened(self, path: str) -> tuple[Any, str]:
        url = self.storage_url()
        try:
            filesystem, root = fsspec.core.url_to_fs(url, **self.storage_options())
        except ImportError as error:
            raise errors.FailedPrecondition(f"files at {url} need a library that is not installed: {error}") from None
        place = posixpath.normpath(posixpath.join(root, path.lstrip("/")))
        if place != root.rstrip("/") and not place.startswith(root.rstrip("/") + "/"):
            raise errors.InvalidArgument.of_field("path", f"leads out of {url}")
        return filesystem, place


class LocalFileSystem(FileSystem):
    """Files below a folder of the machine that the code runs on."""

    block_type_slug = "local-file-system"
    block_type_name = "Local file system"

    basepath: str = pydantic.Field(default=".", description="The folder; ~ is the user's home.")

    def storage_url(self) -> str:
        """Return the folder as a `file://` URL."""
        return pathlib.Path(self.basepath).expanduser().absolute().as_uri()


class RemoteFileSystem(FileSystem):
    """Files at a URL that fsspec knows, for example `s3://bucket/folder` or `sftp://host/folder`."""

    block_type_slug = "remote-file-system"
    block_type_name = "Remote file system"

    basepath: str = pydantic.Field(description="URL of the place, without credentials.")
    settings: SecretDict | None = pydantic.Field(default=None, description="What fsspec needs beside the URL.")

    @pydantic.field_validator("basepath")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = urllib.parse.urlsplit(value)
        if not parts.scheme:
            raise ValueError("must be a URL, for example s3://bucket/folder")
        if parts.password is not None:
            raise ValueError("must have no password in it; settings are the place for it")
        return value

    def storage_url(self) -> str:
        """Return the URL."""
        return self.basepath

    def storage_options(self) -> dict[str, Any]:
        """Return the settings."""
        return dict(self.settings.get_secret_value()) if self.settings is not None else {}
