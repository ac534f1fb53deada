"""What the steps of an import share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import Message

from headrace import errors
from headrace.client import Client
from headrace.importing.mapping.ids import Ids
from headrace.importing.progress import Progress
from headrace.importing.report import Report
from headrace.importing.source import PrefectSource

Sent = TypeVar("Sent", bound=Message)

PAGE = 200
MOST_BYTES = 2 * 1024 * 1024
"""Of one call; one thing alone may be larger, and is then refused by the server if it is too large for it."""

UNFIT = (
    errors.AlreadyExists,
    errors.FailedPrecondition,
    errors.InvalidArgument,
    errors.NotFound,
    errors.ResourceExhausted,
)
"""Errors that are about one thing and not about the connection or the caller."""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """An import under way.

    Args:
        source: The server that is read from.
        client: The server that is written to.
        progress: How far it has come.
        tell: Is told what is being done, in a few words.
        is_rehearsal: Read and map everything, write nothing.
        pauses: Deployments come paused.
    """

    source: PrefectSource
    client: Client
    progress: Progress
    tell: Callable[[str], None]
    is_rehearsal: bool = False
    pauses: bool = False

    @property
    def ids(self) -> Ids:
        """What things are called on either side."""
        return self.progress.ids

    @property
    def report(self) -> Report:
        """What was found, made and lost."""
        return self.progress.report

    def make(self, kind: str, name: str, call: Callable[[Sent], Any], request: Sent) -> Any:
        """Make one thing and count it; None where it is refused, or this is a rehearsal."""
        if self.is_rehearsal:
            self.report.created(kind)
            return None
        try:
            made = call(request)
        except UNFIT as error:
            self.report.refused(kind, name, str(error))
            return None
        self.report.created(kind)
        return made


def everything(call: Callable[[str], Any], field: str) -> Iterator[Any]:
    """Yield what is in a list of the server that is written to, over its pages."""
    token = ""
    while True:
        page = call(token)
        yield from getattr(page, field)
        token = page.next_page_token
        if not token:
            return


def chunks(messages: list[Sent], most: int) -> Iterator[list[Sent]]:
    """Yield messages in their order, in parts that fit into one call each."""
    part: list[Sent] = []
    size = 0
    for message in messages:
        length = message.ByteSize()
        if part and (len(part) >= most or size + length > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += length
    if part:
        yield part
