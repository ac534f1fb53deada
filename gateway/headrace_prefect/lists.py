"""Lists by offset over lists by page, and what no service filters or sorts by.

Prefect's client asks for a window (`offset`, `limit`) of a list, the services give page after page. What is asked for
in fact are first windows; a far one walks the pages before it, up to a bound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from headrace_prefect.answers import Refusal
from headrace_prefect.request import Request

PAGE = 200
MOST = 20_000
"""So many things are looked at for one answer."""

Keep = Callable[[Any], bool]


async def walk(
    request: Request, method: grpc.aio.UnaryUnaryMultiCallable[Any, Any], message: Message, field: str
) -> AsyncIterator[Any]:
    """Yield the things that a list call returns, page by page.

    Args:
        request: Whose.
        method: The list call.
        message: Its request; size and token of the page are set here.
        field: Where the answer has the things.

    Raises:
        Refusal: There are more than are looked at for one answer.
    """
    asked: Any = type(message)()
    asked.CopyFrom(message)
    asked.page_size = PAGE
    seen = 0
    while True:
        page = await request.call(method, asked)
        found = getattr(page, field)
        for thing in found:
            yield thing
        seen += len(found)
        if not page.next_page_token:
            return
        if seen >= MOST:
            raise Refusal(422, f"There are more than {MOST} to look at: narrow the filter.")
        asked.page_token = page.next_page_token


async def window(
    request: Request,
    method: grpc.aio.UnaryUnaryMultiCallable[Any, Any],
    message: Message,
    field: str,
    *,
    offset: int,
    limit: int,
    keep: Keep | None = None,
) -> list[Any]:
    """Return a window of a list in the order of the service.

    Args:
        request: Whose.
        method: The list call.
        message: Its request.
        field: Where the answer has the things.
        offset: So many are passed over.
        limit: So many at most.
        keep: Tells what belongs to the list, where the service has no filter for it.
    """
    things: list[Any] = []
    if limit == 0:
        return things
    passed = 0
    async for thing in walk(request, method, message, field):
        if keep is not None and not keep(thing):
            continue
        passed += 1
        if passed > offset:
            things.append(thing)
            if len(things) == limit:
                break
    return things


async def every(
    request: Request,
    method: grpc.aio.UnaryUnaryMultiCallable[Any, Any],
    message: Message,
    field: str,
    *,
    keep: Keep | None = None,
) -> list[Any]:
    """Return all of a list in the order of the service, up to the bound."""
    return [thing async for thing in walk(request, method, message, field) if keep is None or keep(thing)]
