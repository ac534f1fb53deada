"""Results that outlive their process: written to any storage that fsspec knows, read by a reference.

A file is one line of JSON that says how it was written, then the value itself.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import posixpath
import urllib.parse
import zlib
from typing import Any

import cloudpickle
import fsspec
import pydantic_core
from fsspec.implementations.local import LocalFileSystem

import headrace
from headrace import errors
from headrace.recording.identifiers import new_id
from headrace.result_storage import BLOCK_SCHEME, ResultStorage, location_of
from headrace.settings import SERIALIZER_NAMES
from headrace.states import ResultReference

_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "abfs": "azure",
    "abfss": "azure",
    "az": "azure",
}
"""Schemes of object stores, and the extras of the distribution that reach them."""

_FORMAT = 1
_COMPRESSED = "compressed/"


class ResultFailure(errors.FailedPrecondition):
    """A result cannot be written or read; the message says why and where."""

    default_reason = "RESULT_FAILED"


@dataclasses.dataclass(frozen=True, slots=True)
class StoredResult:
    """A value that was read, and where it lies."""

    value: Any
    reference: ResultReference


class ResultStore:
    """Results under one URL.

    Args:
        url: For example `file:///data/results` or `s3://bucket/prefix`. Credentials come from the environment, as
            the storage's library documents; a URL with a password is refused. `block://type/name` is a saved block,
            which has credentials of its own.

    Raises:
        ResultFailure: There can be no results.
    """

    def __init__(self, url: str) -> None:
        if urllib.parse.urlsplit(url).password is not None:
            raise ResultFailure(
                "the URL of the results' storage has a password in it, and would be shown with every result. Give "
                "credentials in the environment, as the storage's library documents."
            )
        target, options = _target_of(url)
        try:
            self._filesystem, self._root = fsspec.core.url_to_fs(target, **options)
        except ImportError as error:
            scheme = urllib.parse.urlsplit(target).scheme
            hint = f'; install it with: pip install "headrace[{_EXTRAS[scheme]}]"' if scheme in _EXTRAS else ""
            raise ResultFailure(f"results at {url} need a library that is not installed ({error}){hint}") from None
        except (OSError, ValueError) as error:
            raise ResultFailure(f"results cannot be kept at {url}: {error}") from None
        self.url = url
        self._is_local = isinstance(self._filesystem, LocalFileSystem)
        # Object stores have no folders, and to make one may be to make a bucket.
        self._has_folders = urllib.parse.urlsplit(target).scheme not in _EXTRAS

    def write(
        self, key: str, value: Any, serializer: str, expires_at: datetime.datetime | None = None
    ) -> ResultReference:
        """Write a value under a key, whole or not at all; what was there is replaced.

        Raises:
            ResultFailure: The value cannot be written.
        """
        payload = serialize(value, serializer)
        head = {
            "headrace_result": _FORMAT,
            "serializer": serializer,
            "sha256": hashlib.sha256(payload).hexdigest(),
            "created_at": datetime.datetime.now(datetime.UTC).isoformat(),
            "expires_at": expires_at.isoformat() if expires_at is not None else None,
        }
        data = json.dumps(head, separators=(",", ":")).encode() + b"\n" + payload
        path = self._path(key)
        try:
            if self._has_folders:
                self._filesystem.makedirs(posixpath.dirname(path), exist_ok=True)
            if self._is_local:
                temporary = f"{path}.{new_id()}"
                self._filesystem.pipe_file(temporary, data)
                self._filesystem.mv(temporary, path)
            else:
                self._filesystem.pipe_file(path, data)
        except Exception as error:  # each storage has errors of its own
            raise ResultFailure(f"the result cannot be written to {self.url}: {error}") from error
        return ResultReference(
            storage_key=key,
            storage_url=self.url,
            serializer=serializer,
            size_bytes=len(data),
            expires_at=expires_at,
        )

    def find(self, key: str) -> StoredResult | None:
        """Return what is under a key; None if there is nothing, or it has expired.

        Raises:
            ResultFailure: It cannot be read.
        """
        found = self._look(key)
        return found if isinstance(found, StoredResult) else None

    def read(self, key: str) -> StoredResult:
        """Return what is under a key.

        Raises:
            ResultFailure: There is nothing, it has expired, or it cannot be read; the message says what to do.
        """
        found = self._look(key)
        if isinstance(found, StoredResult):
            return found
        if found is not None:
            why = f"it expired at {found:%Y-%m-%d %H:%M:%S} UTC"
        elif self._is_local:
            why = "it was deleted, or written on another machine; machines share results by a result_storage all reach"
        else:
            why = "it was deleted"
        raise ResultFailure(
            f"the result {key} is not in {self.url} any more: {why}. Execute the task again to have it anew: retry the "
            "flow run from that task, or call it with refresh_cache=True.",
            reason="RESULT_GONE",
        )

    def _look(self, key: str) -> StoredResult | datetime.datetime | None:
        """Return what is under a key, or when it expired."""
        path = self._path(key)
        try:
            data = self._filesystem.cat_file(path)
        except FileNotFoundError:
            return None
        except Exception as error:  # each storage has errors of its own
            raise ResultFailure(f"the result {key} cannot be read from {self.url}: {error}") from error
        line, _, payload = data.partition(b"\n")
        try:
            head = json.loads(line)
            serializer, checksum = head["serializer"], head["sha256"]
            expires_at = datetime.datetime.fromisoformat(head["expires_at"]) if head["expires_at"] else None
        except (ValueError, KeyError, TypeError) as error:
            raise ResultFailure(f"{self.url} has something under {key} that is not a result of Headrace") from error
        if hashlib.sha256(payload).hexdigest() != checksum:
            raise ResultFailure(f"the result {key} in {self.url} is damaged")
        if expires_at is not None and expires_at <= datetime.datetime.now(datetime.UTC):
            return expires_at
        reference = ResultReference(
            storage_key=key,
            storage_url=self.url,
            serializer=serializer,
            size_bytes=len(data),
            expires_at=expires_at,
        )
        return StoredResult(deserialize(payload, serializer), reference)

    def _path(self, key: str) -> str:
        parts = key.split("/")
        if not key or any(part in ("", ".", "..") for part in parts) or "\\" in key:
            raise ResultFailure(f"{key!r} cannot be the key of a result: it must be a relative path without '..'")
        return f"{self._root.rstrip('/')}/{key}"


def store_at(storage: ResultStorage) -> ResultStore:
    """Return the store at a URL, in a folder or of a block.

    Raises:
        ResultFailure: There can be no results.
        errors.InvalidArgument: It is no storage.
    """
    return _store_at(location_of(storage))


def read_result(reference: ResultReference) -> Any:
    """Return the value that a reference names.

    Raises:
        ResultFailure: It is not there any more, has expired, or cannot be read.
    """
    return store_at(reference.storage_url).read(reference.storage_key).value


@functools.lru_cache(maxsize=32)
def _store_at(url: str) -> ResultStore:
    return ResultStore(url)


def _target_of(url: str) -> tuple[str, dict[str, Any]]:
    """Return the URL that fsspec knows, and what it needs beside that."""
    if not url.startswith(BLOCK_SCHEME):
        return url, {}
    path = url.removeprefix(BLOCK_SCHEME)
    try:
        block: Any = headrace.blocks.load_block(path)
    except errors.HeadraceError as error:
        raise ResultFailure(f"the block {path}, which knows where results are, cannot be loaded: {error}") from error
    if not callable(getattr(block, "storage_url", None)):
        raise ResultFailure(f"the block {path} is a {type(block).__name__}, which keeps no files")
    return block.storage_url(), block.storage_options()


def serialize(value: Any, serializer: str) -> bytes:
    """Return a value as bytes.

    Raises:
        ResultFailure: The value cannot be written this way.
    """
    plain = serializer.removeprefix(_COMPRESSED)
    try:
        if serializer not in SERIALIZER_NAMES:
            raise ValueError(f"there is no serializer {serializer!r}")
        data: bytes = pydantic_core.to_json(value) if plain == "json" else cloudpickle.dumps(value)
    except Exception as error:  # whatever the value's own methods raise
        raise ResultFailure(
            f"a result of type {type(value).__name__} cannot be written as {plain}: {error}. Choose another "
            "result_serializer, or persist_result=False."
        ) from error
    return zlib.compress(data, 6) if serializer.startswith(_COMPRESSED) else data


def deserialize(data: bytes, serializer: str) -> Any:
    """Return the value that `serialize` wrote.

    Raises:
        ResultFailure: The bytes cannot be read.
    """
    try:
        if serializer.startswith(_COMPRESSED):
            data = zlib.decompress(data)
        if serializer.removeprefix(_COMPRESSED) == "json":
            return json.loads(data)
        return cloudpickle.loads(data)
    except Exception as error:  # whatever the value's own methods raise
        raise ResultFailure(f"a result written as {serializer} cannot be read: {error}") from error
