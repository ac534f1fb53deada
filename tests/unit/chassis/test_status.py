from __future__ import annotations

import inspect

import grpc
import grpc.aio
import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from headrace import errors
from headrace.errors import FieldViolation
from headrace.rpc import channel, status

TREE = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.HeadraceError) and found is not errors.HeadraceError
]


@pytest.mark.parametrize("error_class", TREE)
def test_every_error_comes_back_as_it_went(error_class: type[errors.HeadraceError]) -> None:
    error = error_class("what happened", reason="SPECIAL_REASON", metadata={"a": "1"})
    # A class that has no code of its own is known by its reason.
    if error_class is errors.LeaseLost:
        error.reason = errors.LeaseLost.default_reason
    back = status.from_status(status.to_status(error))
    assert type(back) is error_class
    assert (back.message, back.reason, back.metadata) == (error.message, error.reason, error.metadata)


@pytest.mark.parametrize("error_class", TREE)
def test_every_error_is_drawn_in_the_tree_and_has_a_reason(error_class: type[errors.HeadraceError]) -> None:
    assert f"── {error_class.__name__} " in (errors.__doc__ or "")
    assert error_class.default_reason.isupper()


def test_reasons_differ() -> None:
    reasons = [error_class.default_reason for error_class in TREE]
    assert len(set(reasons)) == len(reasons)


def test_a_status_has_exactly_one_error_info() -> None:
    packed = status.to_status(errors.InvalidArgument(violations=[FieldViolation("a.b[1]", "must be right")]))
    assert packed.code == code_pb2.INVALID_ARGUMENT
    infos = [detail for detail in packed.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    assert len(infos) == 1
    info = error_details_pb2.ErrorInfo.FromString(infos[0].value)
    assert (info.domain, info.reason) == ("headrace", "INVALID_ARGUMENT")


def test_fields_and_waiting_times_cross() -> None:
    violations = [FieldViolation("name", "is required"), FieldViolation("tags[2]", "must not be empty")]
    back = status.from_status(status.to_status(errors.InvalidArgument(violations=violations)))
    assert isinstance(back, errors.InvalidArgument)
    assert list(back.violations) == violations
    assert back.message == "name: is required; tags[2]: must not be empty"
    for error_class in (errors.Unavailable, errors.ResourceExhausted):
        later = status.from_status(status.to_status(error_class("later", retry_after_seconds=1.5)))
        assert isinstance(later, error_class)
        assert later.retry_after_seconds == 1.5
        assert "retry_after_seconds" in vars(status.from_status(status.to_status(error_class("later"))))


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_code_of_another_server_becomes_an_error(code: grpc.StatusCode) -> None:
    call = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "connection refused")
    error = status.from_rpc_error(call)
    assert type(error) is not errors.HeadraceError
    if code is not grpc.StatusCode.CANCELLED:
        assert error.message == "connection refused"


def test_a_call_that_was_cut_off_can_be_made_again() -> None:
    def failed(details: str, *trailers: tuple[str, bytes]) -> errors.HeadraceError:
        code = grpc.StatusCode.CANCELLED
        return status.from_rpc_error(
            grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details)
        )

    assert isinstance(failed("CANCELLED"), errors.Unavailable)
    # What the caller has done, or a server says in its own words, is what it is.
    assert isinstance(failed("Locally cancelled by application!"), errors.Cancelled)
    assert isinstance(failed("over", *status.to_trailers(errors.Cancelled("over"))), errors.Cancelled)


def test_details_of_another_domain_are_passed_over() -> None:
    foreign = any_pb2.Any()
    foreign.Pack(error_details_pb2.ErrorInfo(reason="THEIRS", domain="proxy"))
    unknown = any_pb2.Any(type_url="type.googleapis.com/never.Seen", value=b"x")
    error = status.from_status(status_pb2.Status(code=code_pb2.NOT_FOUND, message="m", details=[foreign, unknown]))
    assert isinstance(error, errors.NotFound)
    assert error.reason == "NOT_FOUND"


@pytest.mark.parametrize("packed", [b"\xff\xff", status_pb2.Status(code=code_pb2.NOT_FOUND).SerializeToString()])
def test_details_that_do_not_fit_the_code_are_not_believed(packed: bytes) -> None:
    trailers = grpc.aio.Metadata((status.STATUS_DETAILS_KEY, packed))
    call = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), trailers, "away")
    assert isinstance(status.from_rpc_error(call), errors.Unavailable)


def test_an_error_in_trailers_is_found() -> None:
    error = errors.FailedPrecondition("not now", reason="RUN_IS_FINAL")
    trailers = grpc.aio.Metadata(*status.to_trailers(error))
    call = grpc.aio.AioRpcError(status.code_of(error), grpc.aio.Metadata(), trailers, "not now")
    assert status.from_rpc_error(call).reason == "RUN_IS_FINAL"


def test_a_long_message_is_cut_to_fit_into_trailers() -> None:
    assert len(status.to_status(errors.Internal("x" * 100_000)).message) == 2000


def test_only_what_never_came_to_an_answer_is_retried_by_channels() -> None:
    assert '"retryableStatusCodes":["UNAVAILABLE","CANCELLED"]' in channel.service_config()
    assert "retryPolicy" not in channel.service_config(1)


def test_a_message_that_is_too_large_is_said_in_words() -> None:
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        details="CLIENT: Sent message larger than max (20000099 vs. 16777216)",
    )
    found = status.from_rpc_error(error)
    assert isinstance(found, errors.ResourceExhausted)
    assert found.reason == "MESSAGE_TOO_LARGE"
    assert "20000099 bytes" in found.message
