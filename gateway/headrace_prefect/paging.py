"""Offsets and limits over lists that go on from a token."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from headrace_prefect.answers import Refusal

Item = TypeVar("Item")

Page = tuple[list[Item], str]
"""Items and the token of the page behind them, empty at the end."""

MOST_SKIPPED = 20_000
"""So far an offset reaches; who wants more narrows the filter or asks for another order."""
_PAGE = 200


async def window(ask: Callable[[int, str], Awaitable[Page[Item]]], offset: int, limit: int) -> list[Item]:
    """Return the items from `offset` on, `limit` of them at most.

    Args:
        ask: Takes a page size and a token; returns a page.
        offset: How many to pass over.
        limit: How many at most.

    Raises:
        Refusal: The offset is too large (422).
    """
    if offset > MOST_SKIPPED:
        raise Refusal(422, f"Invalid offset: must be less than or equal to {MOST_SKIPPED}; narrow the filter instead.")
    if limit <= 0:
        return []
    found: list[Item] = []
    token = ""
    to_skip = offset
    while True:
        size = min(_PAGE, to_skip + limit - len(found))
        items, token = await ask(size, token)
        found += items[to_skip:]
        to_skip = max(0, to_skip - len(items))
        if len(found) >= limit or not token:
            return found[:limit]


def paginated(results: list[Any], count: int, limit: int, page: int) -> dict[str, Any]:
    """Return what the operations `paginate` answer with."""
    pages = math.ceil(count / limit) if limit else 0
    return {"results": results, "count": count, "limit": limit, "pages": pages, "page": page}
