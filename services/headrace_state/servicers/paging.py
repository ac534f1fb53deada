"""Pages of lists, the same in every servicer."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any, Protocol

from google.protobuf.message import Message

from headrace_chassis.paging import check_key, decode_page_token, encode_page_token, page_size, question_digest


class _Paged(Protocol):
    @property
    def page_size(self) -> int: ...
    @property
    def page_token(self) -> str: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Which page a list call asks for."""

    limit: int
    after: tuple[Any, ...] | None
    """The key of the last row of the page before; None for the first page."""
    question: bytes

    def next_token(self, key: tuple[Any, ...] | None) -> str:
        """Return the token of the page behind `key`, "" at the end."""
        return encode_page_token(key, self.question) if key is not None else ""


def history_place(page: Page) -> tuple[int, datetime.datetime] | None:
    """Return the version and time behind which a page of a run's history begins, None for the first.

    Raises:
        errors.InvalidArgument: The token is not of a history.
    """
    if page.after is None:
        return None
    check_key(page.after, (int, datetime.datetime))
    version, occurred_at = page.after
    return version, occurred_at


def asked_page(request: _Paged, workspace_id: uuid.UUID, *question: Message | str) -> Page:
    """Return the page that a request asks for.

    Raises:
        errors.InvalidArgument: The size is negative, or the token is not one of this question.
    """
    digest = question_digest(str(workspace_id), *question)
    return Page(page_size(request.page_size), decode_page_token(request.page_token, digest), digest)
