from __future__ import annotations

import importlib.resources
import math
import time

import pytest
from google.protobuf import descriptor_pb2

from headrace import errors
from headrace.api.v1 import flow_run_pb2
from headrace_chassis.validation import VIOLATION_LIMIT, Validator


def requests() -> list[str]:
    descriptors = importlib.resources.files("headrace.api").joinpath("descriptors.binpb").read_bytes()
    return sorted(
        {
            method.input_type.removeprefix(".")
            for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file
            if file.package.startswith("headrace.")
            for service in file.service
            for method in service.method
        }
    )


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


@pytest.mark.parametrize("name", requests())
def test_every_request_of_the_contract_can_be_checked(validator: Validator, name: str) -> None:
    validator.check_of(name)


def test_one_answer_lists_a_limited_number_of_fields(validator: Validator) -> None:
    check = validator.check_of("headrace.api.v1.BatchGetFlowRunsRequest")
    assert check is not None
    with pytest.raises(errors.InvalidArgument) as caught:
        check(flow_run_pb2.BatchGetFlowRunsRequest(flow_run_ids=["x"] * 100))
    assert len(caught.value.violations) == VIOLATION_LIMIT
    assert caught.value.violations[3].field == "flow_run_ids[3]"


def test_generated_messages_are_checked_and_told_in_sentences() -> None:
    check = Validator().check_of("headrace.api.v1.CreateFlowRunRequest")
    assert check is not None
    check(flow_run_pb2.CreateFlowRunRequest(flow_name="etl"))
    with pytest.raises(errors.InvalidArgument) as caught:
        check(flow_run_pb2.CreateFlowRunRequest(flow_run_id="x", flow_name="", name="n" * 256))
    assert [(violation.field, violation.description) for violation in caught.value.violations] == [
        ("flow_run_id", "must be a UUID"),
        ("flow_name", "must have at least 1 character"),
        ("name", "must have at most 255 characters"),
    ]


def test_a_small_message_is_checked_in_microseconds() -> None:
    check = Validator().check_of("headrace.api.v1.CreateFlowRunRequest")
    assert check is not None
    message = flow_run_pb2.CreateFlowRunRequest(flow_name="etl", tags=["a"])
    best = math.inf
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(200):
            check(message)
        best = min(best, (time.perf_counter() - started) / 200)
    # Measured at 3 µs; the bound leaves room for a slow machine.
    assert best < 30e-6
