"""What the steps of an import share."""

from __future__ import annotations

import copy
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

_PASSING = ("updated_at", "next_at", "status", "active_slots", "holders", "waiters", "last_fired_at")

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
        updates: What is here, and has changed there, is changed here.
    """

    source: PrefectSource
    client: Client
    progress: Progress
    tell: Callable[[str], None]
    is_rehearsal: bool = False
    pauses: bool = False
    updates: bool = False

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

    def change(self, kind: str, name: str, before: Message, call: Callable[[Sent], Any], request: Sent) -> None:
        """Make one thing that is here as it is there, if that is wanted, and count whether that changed it.

        Args:
            kind: What it is.
            name: Which one.
            before: As it is here; the answer of `call` has it in a field, as it is afterwards.
            call: Changes it.
            request: What is passed.
        """
        if not self.updates or self.is_rehearsal:
            self.report.there_before(kind)
            return
        try:
            answer = call(request)
        except UNFIT as error:
            self.report.refused(kind, name, str(error))
            return
        if any(_is_same(before, after) for field, after in answer.ListFields() if type(after) is type(before)):
            self.report.there_before(kind)
        else:
            self.report.updated(kind)


def _is_same(before: Message, after: Message) -> bool:
    return _lasting(before) == _lasting(after)


def _lasting(message: Message) -> Message:
    """Return what of a thing stays as it is as long as nobody changes it."""
    lasting = copy.deepcopy(message)
    for part in (lasting, *getattr(lasting, "schedules", ())):
        for name in _PASSING:
            if name in part.DESCRIPTOR.fields_by_name:
                part.ClearField(name)
    return lasting


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
