"""The page of a list that a call asks for, and the token of the one behind it: the same in every servicer."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from headrace_chassis.paging import (
    KeyValue,
    check_key,
    decode_page_token,
    encode_page_token,
    page_size,
    question_digest,
)

Listed = TypeVar("Listed")


class Paged(Protocol):
    """A request of a list call."""

    @property
    def page_size(self) -> int:
        """How many at most; 0 is the default."""
        ...

    @property
    def page_token(self) -> str:
        """Which page; "" is the first."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A page of a list."""

    size: int
    after: tuple[Any, ...] | None
    """The key of the last row of the page before; None is the first page."""
    question: bytes
    """The digest of what is asked apart from the page."""

    @property
    def lookahead(self) -> int:
        """How many rows to look for: one more than are shown tells whether there is another page."""
        return self.size + 1

    @property
    def after_id(self) -> uuid.UUID | None:
        """The last part of the key, an id."""
        return uuid.UUID(str(self.after[-1])) if self.after is not None else None

    @property
    def after_name(self) -> str | None:
        """The first part of the key, a name."""
        return str(self.after[0]) if self.after is not None else None

    @property
    def after_name_and_id(self) -> tuple[str, uuid.UUID] | None:
        """Both, where the key is a name and an id."""
        return (str(self.after[0]), uuid.UUID(str(self.after[-1]))) if self.after is not None else None

    def behind(self, *types: type) -> tuple[Any, ...] | None:
        """Return the key behind which the page begins, with parts of these types; None for the first page.

        Raises:
            errors.InvalidArgument: The token is not one that this list returned.
        """
        if self.after is not None:
            check_key(self.after, types)
        return self.after

    def split(
        self, found: Sequence[Listed], key: Callable[[Listed], tuple[KeyValue, ...]]
    ) -> tuple[Sequence[Listed], str]:
        """Return what of `lookahead` rows belongs to the page, and the token of the next one; "" at the end."""
        shown = found[: self.size]
        return shown, self.next_token(key(shown[-1]) if len(found) > self.size else None)

    def next_token(self, key: tuple[Any, ...] | None) -> str:
        """Return the token of the page behind `key`, "" at the end."""
        return encode_page_token(key, self.question) if key is not None else ""


def asked_page(request: Paged, *question: Message | str | uuid.UUID | None, key: Sequence[type] | None = None) -> Page:
    """Return the page that a request asks for.

    Args:
        request: A list call.
        question: What is asked apart from the page: the workspace, filters, the order.
        key: Types of the parts of a key; None leaves looking at them to `Page.behind`.

    Raises:
        errors.InvalidArgument: The size is negative, or the token is not one of this question.
    """
    digest = question_digest(*question)
    return Page(page_size(request.page_size), decode_page_token(request.page_token, digest, key), digest)
