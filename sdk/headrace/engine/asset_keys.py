"""Keys of assets: URIs that tell them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from headrace import errors

MAX_KEY = 512
MAX_ASSETS = 100
_KEY = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+")


class Keyed(Protocol):
    """An asset, as far as its key goes."""

    @property
    def key(self) -> str:
        """Its key."""
        ...


def check_key(key: str) -> str:
    """Return the key.

    Raises:
        errors.InvalidArgument: It is no URI.
    """
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise errors.InvalidArgument.of_field(
            "key", f"must be a URI like s3://lake/orders of at most {MAX_KEY} characters, not {key!r}"
        )
    return key


def keys_of(assets: Iterable[Keyed | str]) -> tuple[str, ...]:
    """Return the keys of assets, each once.

    Raises:
        errors.InvalidArgument: One is no URI, or they are too many.
    """
    if isinstance(assets, str):
        raise errors.InvalidArgument.of_field("asset_deps", "must be a list of assets or of their keys")
    keys = tuple(dict.fromkeys(check_key(one if isinstance(one, str) else one.key) for one in assets))
    if len(keys) > MAX_ASSETS:
        raise errors.InvalidArgument.of_field("asset_deps", f"must be at most {MAX_ASSETS}")
    return keys
