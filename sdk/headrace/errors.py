"""Every error that Headrace raises on purpose, on either side of the wire.

    HeadraceError
    ├── InvalidArgument        the request is wrong in itself; `violations` name the fields
    ├── NotFound               there is no such thing, or the caller may not know of it
    ├── AlreadyExists          the name or id is taken
    ├── FailedPrecondition     right in itself, but not in the state that the thing is in
    │   └── LeaseLost          the writer was replaced by another; it must stop
    ├── Aborted                lost a race; the whole operation may be tried again
    ├── PermissionDenied       the caller is known and may not
    ├── Unauthenticated        the caller is not known
    ├── ResourceExhausted      a limit was reached; `retry_after_seconds` may say when to come back
    ├── DeadlineExceeded       it took longer than the caller or the server allows
    ├── Cancelled              the caller gave up
    ├── Unavailable            nothing was decided; the same request may be sent again
    ├── Unimplemented          this server does not know the operation
    └── Internal               a fault of the server; the correlation id finds it in the log

Each class has a stable `reason` in UPPER_SNAKE_CASE; a more precise one can be given on construction and
crosses the wire in `google.rpc.ErrorInfo`. The table to and from gRPC is in `headrace.rpc.status`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import ClassVar


@dataclasses.dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request and what is wrong with it."""

    field: str
    """Path of the field as the proto names it, for example `filter.states[2]`."""
    description: str
    """A sentence that says what is expected."""


class HeadraceError(Exception):
    """Base of all errors that Headrace raises on purpose.

    Args:
        message: A sentence for people: what happened and, where there is one, the way out.
        reason: A stable UPPER_SNAKE_CASE word for programs; the class has a default.
        metadata: Further facts for programs, short strings.
    """

    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata: dict[str, str] = dict(metadata or {})

    def __str__(self) -> str:
        return self.message


class InvalidArgument(HeadraceError):
    """The request is wrong in itself, whatever the state of the system."""

    default_reason = "INVALID_ARGUMENT"

    def __init__(
        self,
        message: str = "",
        *,
        violations: Iterable[FieldViolation] = (),
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.violations = tuple(violations)
        if not message:
            message = "; ".join(f"{violation.field}: {violation.description}" for violation in self.violations)
        super().__init__(message or "the request is not valid", reason=reason, metadata=metadata)

    @classmethod
    def of_field(cls, field: str, description: str, *, reason: str | None = None) -> InvalidArgument:
        """Return the error for one wrong field."""
        return cls(violations=[FieldViolation(field, description)], reason=reason)


class NotFound(HeadraceError):
    """There is no such thing, or the caller may not know of it."""

    default_reason = "NOT_FOUND"


class AlreadyExists(HeadraceError):
    """A thing with this name or id exists already."""

    default_reason = "ALREADY_EXISTS"


class FailedPrecondition(HeadraceError):
    """The request is right in itself, but not for the state that the thing is in."""

    default_reason = "FAILED_PRECONDITION"


class LeaseLost(FailedPrecondition):
    """The writer's lease or attempt was given to another; it must stop writing."""

    default_reason = "LEASE_LOST"


class Aborted(HeadraceError):
    """The operation lost a race against another; it may be tried again as a whole."""

    default_reason = "ABORTED"


class PermissionDenied(HeadraceError):
    """The caller is known and is not allowed to do this."""

    default_reason = "PERMISSION_DENIED"


class Unauthenticated(HeadraceError):
    """The caller did not say who it is, or what it said does not hold."""

    default_reason = "UNAUTHENTICATED"


class ResourceExhausted(HeadraceError):
    """A limit was reached.

    Args:
        retry_after_seconds: When it makes sense to come back; None where waiting does not help.
    """

    default_reason = "RESOURCE_EXHAUSTED"

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(HeadraceError):
    """The operation took longer than the caller or the server allows; it may or may not have happened."""

    default_reason = "DEADLINE_EXCEEDED"


class Cancelled(HeadraceError):
    """The caller gave the operation up."""

    default_reason = "CANCELLED"


class Unavailable(HeadraceError):
    """Something needed cannot be reached just now; the same request may be sent again.

    Args:
        retry_after_seconds: The least time to wait, where the server said one.
    """

    default_reason = "UNAVAILABLE"

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.retry_after_seconds = retry_after_seconds


class Unimplemented(HeadraceError):
    """The server does not know the operation; it is probably older than the client."""

    default_reason = "UNIMPLEMENTED"


class Internal(HeadraceError):
    """A fault of the server. The message names a correlation id under which its log has the details."""

    default_reason = "INTERNAL"
