"""The page of a list that a call asks for."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from headrace_chassis.paging import KeyValue, decode_page_token, encode_page_token, page_size, question_digest

Listed = TypeVar("Listed")


class _Paged(Protocol):
    @property
    def page_size(self) -> int: ...
    @property
    def page_token(self) -> str: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A page of a list."""

    size: int
    after: tuple[KeyValue, ...] | None
    """The key of the last one of the page before; None is the first page."""
    question: bytes

    @property
    def limit(self) -> int:
        """How many to look for: one more tells whether there is another page."""
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

    def split(
        self, found: Sequence[Listed], key: Callable[[Listed], tuple[KeyValue, ...]]
    ) -> tuple[Sequence[Listed], str]:
        """Return what belongs to the page, and the token of the next one; "" if this is the last."""
        shown = found[: self.size]
        return shown, encode_page_token(key(shown[-1]), self.question) if len(found) > self.size else ""


def asked_page(request: _Paged, types: Sequence[type], *question: str | uuid.UUID) -> Page:
    """Return the page that a request asks for.

    Args:
        request: A list call.
        types: Those of the parts of a key.
        question: What is asked apart from the page.

    Raises:
        errors.InvalidArgument: The size is negative, or the token is not one of this question.
    """
    digest = question_digest(*question)
    return Page(page_size(request.page_size), decode_page_token(request.page_token, digest, types), digest)
