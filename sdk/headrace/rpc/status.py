"""The one table between `headrace.errors` and gRPC status, in both directions.

On the wire an error is a `google.rpc.Status` in the `grpc-status-details-bin` trailer with exactly one
`ErrorInfo` (domain "headrace", the error's reason), a `BadRequest` where fields are wrong, and a
`RetryInfo` where the server says when to come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import grpc
from google.protobuf import any_pb2, duration_pb2, message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from headrace import errors

ERROR_DOMAIN = "headrace"
STATUS_DETAILS_KEY = "grpc-status-details-bin"

# Ordered: a subclass stands before its base, and the first error class of a code is what that code becomes.
_CODES: tuple[tuple[type[errors.HeadraceError], grpc.StatusCode], ...] = (
    (errors.InvalidArgument, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.Aborted, grpc.StatusCode.ABORTED),
    (errors.PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.Cancelled, grpc.StatusCode.CANCELLED),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.Unimplemented, grpc.StatusCode.UNIMPLEMENTED),
    (errors.Internal, grpc.StatusCode.INTERNAL),
    (errors.HeadraceError, grpc.StatusCode.INTERNAL),
)

_CLASS_OF_CODE: dict[grpc.StatusCode, type[errors.HeadraceError]] = {
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidArgument,
    grpc.StatusCode.UNKNOWN: errors.Internal,
    grpc.StatusCode.DATA_LOSS: errors.Internal,
}
for _error_class, _code in _CODES:
    _CLASS_OF_CODE.setdefault(_code, _error_class)

_CLASS_OF_REASON: dict[tuple[grpc.StatusCode, str], type[errors.HeadraceError]] = {
    (grpc.StatusCode.FAILED_PRECONDITION, errors.LeaseLost.default_reason): errors.LeaseLost,
}

_NUMBER_OF_CODE: dict[grpc.StatusCode, int] = {code: code_pb2.Code.Value(code.name) for code in grpc.StatusCode}
_CODE_OF_NUMBER: dict[int, grpc.StatusCode] = {number: code for code, number in _NUMBER_OF_CODE.items()}

_STATUS_MESSAGE_LIMIT = 2000
_BY_CALLER = "Locally cancelled"
_TOO_LARGE = re.compile(r"message larger than max \((\d+) vs\. (\d+)\)")
"""What gRPC says of a call that its own caller has cancelled."""


def code_of(error: errors.HeadraceError) -> grpc.StatusCode:
    """Return the gRPC status code that `error` becomes."""
    for error_class, code in _CODES:
        if isinstance(error, error_class):
            return code
    return grpc.StatusCode.INTERNAL


def to_status(error: errors.HeadraceError) -> status_pb2.Status:
    """Return `error` as the `google.rpc.Status` that goes over the wire."""
    status = status_pb2.Status(code=_NUMBER_OF_CODE[code_of(error)], message=error.message[:_STATUS_MESSAGE_LIMIT])
    _attach(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=error.metadata))
    if isinstance(error, errors.InvalidArgument) and error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        _attach(status, error_details_pb2.BadRequest(field_violations=violations))
    if isinstance(error, errors.Unavailable | errors.ResourceExhausted) and error.retry_after_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(error.retry_after_seconds * 1_000_000_000))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def to_trailers(error: errors.HeadraceError) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata that carries `error` beside the status code and message."""
    return ((STATUS_DETAILS_KEY, to_status(error).SerializeToString()),)


def from_status(status: status_pb2.Status) -> errors.HeadraceError:
    """Return the error that a `google.rpc.Status` describes; details of other domains are passed over."""
    info: error_details_pb2.ErrorInfo | None = None
    bad_request: error_details_pb2.BadRequest | None = None
    retry: error_details_pb2.RetryInfo | None = None
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            candidate = error_details_pb2.ErrorInfo.FromString(detail.value)
            if candidate.domain == ERROR_DOMAIN:
                info = candidate
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad_request = error_details_pb2.BadRequest.FromString(detail.value)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo.FromString(detail.value)
    code = _CODE_OF_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN)
    reason = info.reason if info is not None else None
    metadata = dict(info.metadata) if info is not None else None
    error_class = _CLASS_OF_REASON.get((code, reason or ""), _CLASS_OF_CODE.get(code, errors.Internal))
    if issubclass(error_class, errors.InvalidArgument):
        violations = [
            errors.FieldViolation(violation.field, violation.description)
            for violation in (bad_request.field_violations if bad_request is not None else ())
        ]
        return error_class(status.message, violations=violations, reason=reason, metadata=metadata)
    if issubclass(error_class, errors.Unavailable | errors.ResourceExhausted):
        delay = retry.retry_delay.ToNanoseconds() / 1_000_000_000 if retry is not None else None
        return error_class(status.message, retry_after_seconds=delay, reason=reason, metadata=metadata)
    return error_class(status.message, reason=reason, metadata=metadata)


def from_rpc_error(error: grpc.RpcError) -> errors.HeadraceError:
    """Return what a failed call means, for `grpc` and `grpc.aio` errors alike.

    A call that failed before a Headrace server answered (connection refused, proxy error) has no
    details; it maps by its code alone. One that was cancelled and not by its caller was cut off by a server that
    stops, perhaps before anybody had looked at it: UNAVAILABLE, as if the connection had broken.
    """
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return errors.Internal(f"the call failed without a status: {error!r}")
    code, details = error.code(), error.details() or ""
    packed = _find_details(error.trailing_metadata())
    if packed is not None:
        try:
            status = status_pb2.Status.FromString(packed)
        except message.DecodeError:
            status = None
        if status is not None and _CODE_OF_NUMBER.get(status.code) is code:
            return from_status(status)
    if code is grpc.StatusCode.CANCELLED and not details.startswith(_BY_CALLER):
        return errors.Unavailable("the server stopped before it had answered", reason="CALL_CUT_OFF")
    if (found := _TOO_LARGE.search(details)) is not None:
        return errors.ResourceExhausted(
            f"this is too large: {found[1]} bytes in one message, which may have {found[2]}", reason="MESSAGE_TOO_LARGE"
        )
    return from_status(status_pb2.Status(code=_NUMBER_OF_CODE[code], message=details))


def _find_details(metadata: Iterable[tuple[str, str | bytes]] | None) -> bytes | None:
    for key, value in metadata or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            return value
    return None


def _attach(status: status_pb2.Status, detail: message.Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
