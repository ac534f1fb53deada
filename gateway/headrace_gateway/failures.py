"""Errors as HTTP answers: a `google.rpc.Status` in JSON with the HTTP status that belongs to its code."""

from __future__ import annotations

import dataclasses

import grpc
import orjson
from google.protobuf import message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from headrace import errors
from headrace.rpc import status as rpc_status
from headrace_gateway.transcoding.wellknown import Encode

HTTP_STATUS = {
    code_pb2.OK: 200,
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.UNAUTHENTICATED: 401,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
}
"""HTTP status by code of `google.rpc.Code`, as google.rpc.Code itself says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed, ready to be written."""

    http_status: int
    status: status_pb2.Status

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that belong to the failure."""
        headers: list[tuple[bytes, bytes]] = []
        if self.http_status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        for detail in self.status.details:
            if detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
                delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
                headers.append((b"retry-after", b"%d" % (delay.seconds + (1 if delay.nanos else 0))))
        return headers


def of_error(error: errors.HeadraceError, http_status: int | None = None) -> Failure:
    """Return an error of the gateway itself as a failure.

    Args:
        error: What is wrong.
        http_status: The HTTP status, where it says more than the code's own.
    """
    described = rpc_status.to_status(error)
    return Failure(http_status or HTTP_STATUS[described.code], described)


def of_call(error: grpc.aio.AioRpcError) -> Failure:
    """Return what a service answered, with all its details, as a failure."""
    for key, value in error.trailing_metadata() or ():
        if key == rpc_status.STATUS_DETAILS_KEY and isinstance(value, bytes):
            try:
                described = status_pb2.Status.FromString(value)
            except message.DecodeError:
                break
            return Failure(HTTP_STATUS.get(described.code, 500), described)
    # No Headrace server has answered: the connection was refused or broke. Where to is not for outsiders to know.
    cause = rpc_status.from_rpc_error(error)
    if isinstance(cause, errors.Unavailable):
        cause = errors.Unavailable("a part of the server does not answer; the same request may be sent again")
    return of_error(cause)


def body(failure: Failure, encode: Encode) -> bytes:
    """Return a failure as the JSON of its status."""
    return orjson.dumps(encode(failure.status))
