"""Words about arguments: `unmapped`, `allow_failure`, `quote`."""

from __future__ import annotations

import dataclasses
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Annotated(Generic[T]):
    """An argument with a word about it."""

    value: T


class unmapped(Annotated[T]):
    """The same value for every call of `map`, even if it could be iterated."""

    __slots__ = ()


class allow_failure(Annotated[T]):
    """A future that may fail: the task runs all the same and gets the exception as its argument."""

    __slots__ = ()


class quote(Annotated[T]):
    """A value that is not searched for futures; worth it for very large collections."""

    __slots__ = ()
