"""What handlers return, what they raise, and how errors look to Prefect's client."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import orjson

from headrace import errors

Headers = tuple[tuple[bytes, bytes], ...]

JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; charset=utf-8")

NOT_FOUND = "Object not found."


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request."""

    status: int
    body: bytes = b""
    headers: Headers = ()


def ok(value: object, status: int = 200) -> Answer:
    """Return a value as JSON."""
    return Answer(status, orjson.dumps(value), (JSON,))


def made(value: object, is_new: bool = True) -> Answer:
    """Return a thing that was created (201), or that was there already (200)."""
    return ok(value, 201 if is_new else 200)


def no_content(status: int = 204) -> Answer:
    """Return that something was done."""
    return Answer(status)


def text(value: str) -> Answer:
    """Return plain text."""
    return Answer(200, value.encode(), (TEXT,))


class Refusal(Exception):
    """A request is refused with a status and a sentence: `{"detail": sentence}`.

    Args:
        status: The HTTP status.
        detail: The sentence.
        headers: Further headers.
    """

    def __init__(self, status: int, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def answer(self) -> Answer:
        """Return it as an answer."""
        return Answer(self.status, orjson.dumps({"detail": self.detail}), (JSON, *self.headers))


def not_found(what: str = "") -> Refusal:
    """Return the refusal of something that does not exist, e.g. `not_found("Flow run")`."""
    return Refusal(404, f"{what} not found" if what else NOT_FOUND)


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request."""

    loc: tuple[str | int, ...]
    """Where: `("body", "name")`."""
    msg: str
    type: str = "value_error"
    """Stable word, e.g. `missing`."""


class Invalid(Exception):
    """A request is malformed: 422 with the places and what is wrong there.

    Args:
        faults: At least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.msg for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def of(cls, *loc: str | int, msg: str, word: str = "value_error") -> Invalid:
        """Return the error for one place of the body."""
        return cls([Fault(("body", *loc), msg, word)])

    def answer(self, body: Any = None) -> Answer:
        """Return it as an answer.

        Args:
            body: The body of the request, as it was read.
        """
        detail = [
            {"type": fault.type, "loc": list(fault.loc), "msg": fault.msg, "input": None} for fault in self.faults
        ]
        told = {"exception_message": "Invalid request received.", "exception_detail": detail, "request_body": body}
        return Answer(422, orjson.dumps(told, default=str), (JSON,))


_DETAIL_STATUS: tuple[tuple[type[errors.HeadraceError], int], ...] = (
    (errors.NotFound, 404),
    (errors.AlreadyExists, 409),
    (errors.FailedPrecondition, 409),
    (errors.Aborted, 409),
    (errors.PermissionDenied, 403),
    (errors.ResourceExhausted, 429),
    (errors.Unimplemented, 501),
)
_MESSAGE_STATUS: tuple[tuple[type[errors.HeadraceError], int, str], ...] = (
    (errors.Unauthenticated, 401, "Unauthorized"),
    # The client sends a request again after 503, and after nothing else of these.
    (errors.Unavailable, 503, "Service Unavailable"),
    (errors.DeadlineExceeded, 503, "Service Unavailable"),
    (errors.Cancelled, 503, "Service Unavailable"),
)


def of_error(error: errors.HeadraceError, body: Any = None) -> Answer:
    """Return an error of the services as Prefect's client expects it.

    Args:
        error: What went wrong.
        body: The body of the request, as it was read.
    """
    if isinstance(error, errors.InvalidArgument):
        faults = [Fault(("body", *each.field.split(".")), each.description) for each in error.violations]
        return Invalid(faults or [Fault(("body",), error.message)]).answer(body)
    headers: Headers = (JSON,)
    after = getattr(error, "retry_after_seconds", None)
    if after is not None:
        headers = (JSON, (b"retry-after", b"%g" % after))
    for kind, status in _DETAIL_STATUS:
        if isinstance(error, kind):
            return Answer(status, orjson.dumps({"detail": error.message}), headers)
    for kind, status, told in _MESSAGE_STATUS:
        if isinstance(error, kind):
            return Answer(status, orjson.dumps({"exception_message": told, "detail": error.message}), headers)
    return Answer(500, orjson.dumps({"exception_message": "Internal Server Error"}), headers)
