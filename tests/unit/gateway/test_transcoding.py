from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest
from google.protobuf import any_pb2, descriptor, duration_pb2, json_format, struct_pb2, timestamp_pb2, wrappers_pb2
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import errors
from headrace.api.v1 import artifact_pb2, automation_pb2, flow_run_pb2, state_pb2
from headrace_gateway.contract import load_contract
from headrace_gateway.transcoding.decoder import Decoders, Parameters
from headrace_gateway.transcoding.encoder import Encoders
from headrace_gateway.transcoding.scalars import encode_float
from headrace_gateway.transcoding.wellknown import MAX_DEPTH
from headrace_harness.messages import random_message

ENCODERS = Encoders()
DECODERS = Decoders()
TYPES = {
    described.full_name: described
    for method in load_contract().methods
    # The parts of a document are sent as they are.
    for described in ((method.request,) if method.is_document else (method.request, method.response))
}


def encoded(message: Any) -> Any:
    """The message as a client reads it, after a round through the text of JSON."""
    return json.loads(orjson.dumps(ENCODERS.of(message.DESCRIPTOR)(message)))


def oracle(message: Any) -> Any:
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return json.loads(text)


def decoded(described: descriptor.Descriptor, value: object) -> Any:
    message = random_message(described, random.Random(0), depth=0)
    message.Clear()
    DECODERS.fill(message, value)
    return message


def violations(described: descriptor.Descriptor, value: object) -> dict[str, str]:
    with pytest.raises(errors.InvalidArgument) as caught:
        decoded(described, value)
    return {violation.field: violation.description for violation in caught.value.violations}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_message_is_written_as_protobuf_writes_it(name: str) -> None:
    for seed in range(15):
        message = random_message(TYPES[name], random.Random(seed))
        assert encoded(message) == oracle(message)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_what_was_written_is_read_back(name: str) -> None:
    for seed in range(15):
        message = random_message(TYPES[name], random.Random(seed))
        assert decoded(TYPES[name], encoded(message)) == message
        # The spelling of other JSON writers: lowerCamelCase and no defaults.
        assert decoded(TYPES[name], json.loads(json_format.MessageToJson(message))) == message


@given(seed=st.integers(min_value=0))
@settings(max_examples=60, deadline=None)
def test_any_random_run_survives_the_round(seed: int) -> None:
    run = random_message(flow_run_pb2.FlowRun.DESCRIPTOR, random.Random(seed))
    assert encoded(run) == oracle(run)
    assert decoded(flow_run_pb2.FlowRun.DESCRIPTOR, encoded(run)) == run


def test_error_details_are_written_with_their_type() -> None:
    status = status_pb2.Status(code=3, message="no")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="NOPE", domain="headrace", metadata={"a": "b"}))
    status.details.add().Pack(duration_pb2.Duration(seconds=3))
    status.details.add().Pack(wrappers_pb2.Int64Value(value=7))
    assert encoded(status) == oracle(status)


def test_a_detail_of_an_unknown_type_is_named_and_not_opened() -> None:
    status = status_pb2.Status(details=[any_pb2.Any(type_url="type.googleapis.com/of.the.Future", value=b"\x01")])
    assert encoded(status)["details"] == [{"@type": "type.googleapis.com/of.the.Future"}]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 16777216.0, 3.4028234663852886e38, 1e-45, 2.5])
def test_a_32_bit_float_has_no_digits_of_chance(value: float) -> None:
    single = wrappers_pb2.FloatValue(value=value).value
    assert wrappers_pb2.FloatValue(value=float(encode_float(single))).value == single
    assert len(str(encode_float(single))) <= max(len(str(single)), 8)


def test_whole_numbers_have_no_point() -> None:
    struct = struct_pb2.Struct()
    struct.update({"a": 3, "b": 2.5})
    assert orjson.dumps(ENCODERS.of(struct.DESCRIPTOR)(struct), option=orjson.OPT_SORT_KEYS) == b'{"a":3,"b":2.5}'


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1970-01-01t01:00:00.5+01:00", 0, 500_000_000),
        ("1969-12-31T23:59:59.000000001-00:00", -1, 1),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
    ],
)
def test_times_of_any_offset_are_read(text: str, seconds: int, nanos: int) -> None:
    run = decoded(flow_run_pb2.FlowRun.DESCRIPTOR, {"created_at": text})
    assert run.created_at == timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+00:01", 3, True],
)
def test_what_is_no_time_is_refused(text: object) -> None:
    assert list(violations(flow_run_pb2.FlowRun.DESCRIPTOR, {"created_at": text})) == ["created_at"]


@pytest.mark.parametrize("text", ["", "5", "5m", "s", "1e3s", "1.2345678901s", "400000000000s", 5])
def test_what_is_no_span_is_refused(text: object) -> None:
    assert list(violations(flow_run_pb2.FlowRun.DESCRIPTOR, {"total_run_time": text})) == ["total_run_time"]


def test_wrong_fields_are_named_by_their_path() -> None:
    found = violations(
        flow_run_pb2.CreateFlowRunRequest.DESCRIPTOR,
        {
            "nmae": "misspelt",
            "name": 3,
            "tags": ["good", 5],
            "state": {"type": "STATE_TYPE_UNHEARD_OF", "version": "1.5", "details": {"run_input_keyset": {"a": 1}}},
            "retry_policy": {"retries": 2**31, "delay_seconds": ["soon"], "kind": True},
            "parameters": [],
        },
    )
    assert found["nmae"] == "is not a field"
    assert found["name"] == "must be a string"
    assert found["tags[1]"] == "must be a string"
    assert "STATE_TYPE_RUNNING" in found["state.type"]
    assert found["state.version"] == "must be a whole number"
    assert found["state.details.run_input_keyset['a']"] == "must be a string"
    assert "2147483647" in found["retry_policy.retries"]
    assert found["retry_policy.delay_seconds[0]"] == "must be a number"
    assert "retry_policy.kind" in found
    assert found["parameters"] == "must be an object"


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_a_request_must_be_an_object(value: object) -> None:
    assert violations(flow_run_pb2.CreateFlowRunRequest.DESCRIPTOR, value) == {"": "must be an object"}


def test_two_of_a_choice_are_refused() -> None:
    found = violations(
        flow_run_pb2.CreateFlowRunRequest.DESCRIPTOR,
        {"flow_id": "019ab000-0000-7000-8000-000000000000", "flow_name": "both"},
    )
    assert found == {"flow_name": "must not be given together with flow_id"}


def test_null_means_not_given_and_an_empty_object_means_given() -> None:
    run = decoded(flow_run_pb2.FlowRun.DESCRIPTOR, {"name": None, "tags": None, "state": None, "retry_policy": {}})
    assert not run.HasField("state")
    assert run.HasField("retry_policy")
    artifact = decoded(artifact_pb2.Artifact.DESCRIPTOR, {"value": None})
    assert artifact.WhichOneof("content") == "value"
    assert artifact.value.WhichOneof("kind") == "null_value"


def test_enums_are_read_by_name_and_number() -> None:
    for value in ("STATE_TYPE_FAILED", 8, "8"):
        assert decoded(state_pb2.State.DESCRIPTOR, {"type": value}).type == state_pb2.STATE_TYPE_FAILED


@pytest.mark.parametrize("text", ["AAECAw==", "AAECAw", "-_-_", "+/+/"])
def test_bytes_are_read_in_both_alphabets(text: str) -> None:
    assert decoded(artifact_pb2.ImageContent.DESCRIPTOR, {"data": text}).data


@pytest.mark.parametrize("text", ["A", "*", "AAECAw==x", 3])
def test_what_is_not_base64_is_refused(text: object) -> None:
    assert list(violations(artifact_pb2.ImageContent.DESCRIPTOR, {"data": text})) == ["data"]


def test_field_masks_are_read_in_both_spellings() -> None:
    for text in ("name,work_pool_name", "name,workPoolName"):
        request = decoded(flow_run_pb2.UpdateFlowRunRequest.DESCRIPTOR, {"update_mask": text})
        assert list(request.update_mask.paths) == ["name", "work_pool_name"]


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth > 1 else {}


def test_the_deepest_object_that_is_taken_still_crosses_the_wire() -> None:
    run = decoded(flow_run_pb2.CreateFlowRunRequest.DESCRIPTOR, {"parameters": nested(MAX_DEPTH)})
    assert flow_run_pb2.CreateFlowRunRequest.FromString(run.SerializeToString()) == run
    found = violations(flow_run_pb2.CreateFlowRunRequest.DESCRIPTOR, {"parameters": nested(MAX_DEPTH + 1)})
    assert "levels" in found["parameters"]


def test_a_flood_of_faults_is_cut() -> None:
    found = violations(flow_run_pb2.FlowRun.DESCRIPTOR, {"tags": [1] * 100_000})
    assert len(found) == 20


def test_parameters_of_the_address_reach_fields_below() -> None:
    parameters = Parameters(flow_run_pb2.ListFlowRunsRequest.DESCRIPTOR)
    request = flow_run_pb2.ListFlowRunsRequest()
    for path, text in [
        ("filter.state_types", "STATE_TYPE_RUNNING"),
        ("filter.state_types", "8"),
        ("filter.hasParent", "false"),
        ("filter.created.from", "2026-01-01T00:00:00Z"),
        ("filter.run_time_at_least", "1.5s"),
        ("page_size", "7"),
        ("sort", "FLOW_RUN_SORT_NAME_ASC"),
    ]:
        parameters.setter(path)(request, text)
    assert list(request.filter.state_types) == [3, 8]
    assert request.filter.HasField("has_parent")
    assert not request.filter.has_parent
    assert getattr(request.filter.created, "from").seconds == 1_767_225_600
    assert request.filter.run_time_at_least.nanos == 500_000_000
    assert (request.page_size, request.sort) == (7, flow_run_pb2.FLOW_RUN_SORT_NAME_ASC)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nope", "1"),
        ("filter", "1"),
        ("filter.labels", "{}"),
        ("filter.labels.fields.a", "1"),
        ("filter.state_types.x", "1"),
        ("page_size", "many"),
        ("page_size.x", "1"),
        ("filter.has_parent", "yes"),
        ("", "1"),
        ("filter.", "1"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_by_name(path: str, text: str) -> None:
    request = flow_run_pb2.ListFlowRunsRequest()
    with pytest.raises(errors.InvalidArgument) as caught:
        Parameters(flow_run_pb2.ListFlowRunsRequest.DESCRIPTOR).setter(path)(request, text)
    assert [violation.field for violation in caught.value.violations] == [path]


def test_messages_that_contain_themselves_have_an_encoder() -> None:
    described = automation_pb2.Automation.DESCRIPTOR
    message = random_message(described, random.Random(3), depth=6)
    assert encoded(message) == oracle(message)
