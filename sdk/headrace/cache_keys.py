"""Where cache keys are kept apart from the results that they name, for machines to share what is cached."""

from __future__ import annotations

import abc
import dataclasses
import datetime
from typing import Any

import headrace
from headrace.engine.connection import get_backend
from headrace.states import ResultReference

__all__ = ["KeyStorage", "ServerKeyStorage", "UrlKeyStorage", "key_storage_at"]


class KeyStorage(abc.ABC):
    """Knows which result was computed for a key."""

    @abc.abstractmethod
    def find(self, key: str) -> ResultReference | None:
        """Return where the result of a key is; None if it is not known, or has expired.

        Raises:
            headrace.errors.HeadraceError: The storage cannot be read.
        """

    @abc.abstractmethod
    def put(self, key: str, reference: ResultReference) -> None:
        """Remember where the result of a key is, in place of what was known before.

        Raises:
            headrace.errors.HeadraceError: The storage cannot be written.
        """


class ServerKeyStorage(KeyStorage):
    """The server's record of task runs: the last one that completed with the key has the result."""

    def find(self, key: str) -> ResultReference | None:
        """Return where the result of a key is; see `KeyStorage`."""
        reference: ResultReference | None = get_backend().find_cached(key).result()
        return reference if reference is not None and not _has_expired(reference) else None

    def put(self, key: str, reference: ResultReference) -> None:
        """The state that the task run enters tells the server."""


@dataclasses.dataclass(frozen=True)
class UrlKeyStorage(KeyStorage):
    """Small files in any storage that fsspec knows.

    Args:
        url: For example `s3://bucket/keys`; credentials come from the environment.
    """

    url: str

    def find(self, key: str) -> ResultReference | None:
        """Return where the result of a key is; see `KeyStorage`."""
        found = self._store().find(key)
        if found is None or not isinstance(found.value, dict):
            return None
        fields: dict[str, Any] = found.value
        expires_at = fields.get("expires_at")
        return ResultReference(
            storage_key=fields["storage_key"],
            storage_url=fields["storage_url"],
            serializer=fields["serializer"],
            size_bytes=fields["size_bytes"],
            expires_at=datetime.datetime.fromisoformat(expires_at) if expires_at else None,
        )

    def put(self, key: str, reference: ResultReference) -> None:
        """Remember where the result of a key is; see `KeyStorage`."""
        self._store().write(key, dataclasses.asdict(reference), "json", reference.expires_at)

    def _store(self) -> Any:
        return headrace.results.store_at(self.url)


def key_storage_at(place: KeyStorage | str) -> KeyStorage:
    """Return a key storage, given as such or by its URL."""
    return UrlKeyStorage(place) if isinstance(place, str) else place


def _has_expired(reference: ResultReference) -> bool:
    return reference.expires_at is not None and reference.expires_at <= datetime.datetime.now(datetime.UTC)
