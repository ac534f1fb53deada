"""What goes to and comes from the wire."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace.api.v1 import artifact_pb2, flow_run_pb2, state_pb2
from headrace_state.rules.facts import RetryPolicy
from headrace_state.rules.policies import policy_from_json, policy_to_json
from headrace_state.wire import artifacts, filters, states, values

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=json_values)
def test_json_survives_the_way_there_and_back(value: Any) -> None:
    assert values.to_json(Value.FromString(values.from_json(value).SerializeToString())) == value


@given(value=st.dictionaries(st.text(), json_values, min_size=1, max_size=4))
def test_objects_are_what_protobuf_makes_of_them(value: dict[str, Any]) -> None:
    expected = Struct()
    expected.update(value)
    assert values.from_object(value) == expected


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    with pytest.raises(errors.InvalidArgument):
        values.to_json(Value(number_value=number), "value")


def test_endless_nesting_is_refused() -> None:
    value: Any = 1
    for _ in range(101):
        value = [value]
    with pytest.raises(errors.InvalidArgument):
        values.to_json(values.from_json(value), "value")


@given(at=st.datetimes(timezones=st.just(datetime.UTC)))
def test_times_survive_to_the_microsecond(at: datetime.datetime) -> None:
    stamp = values.from_time(at)
    assert stamp is not None
    assert values.to_time(stamp, "t") == at
    assert stamp.ToDatetime(tzinfo=datetime.UTC) == at


def test_times_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(errors.InvalidArgument):
        values.to_time(Timestamp(seconds=10**15), "t")


@given(seconds=st.floats(-1e6, 1e6))
def test_spans_survive_to_the_microsecond(seconds: float) -> None:
    span = values.from_seconds(seconds)
    assert span is not None
    assert values.to_seconds(span) == pytest.approx(seconds, abs=1e-6)
    assert span.ToTimedelta() == datetime.timedelta(microseconds=round(seconds * 1e6))


def test_a_span_has_bounds_and_a_default() -> None:
    assert values.to_span(Duration(), "d", least=1, most=5, default=3) == 3
    assert values.to_span(Duration(seconds=2), "d", least=1, most=5, default=3) == 2
    with pytest.raises(errors.InvalidArgument):
        values.to_span(Duration(seconds=6), "d", least=1, most=5, default=3)


def test_details_survive_storage() -> None:
    details = state_pb2.StateDetails(
        scheduled_at=Timestamp(seconds=5, nanos=6000),
        pause_key="k",
        refresh_cache=False,
        retriable=True,
        run_input_keyset={"schema": "s"},
        reason="R",
    )
    details.extra.update({"a": [1, None]})
    again = state_pb2.StateDetails()
    states.fill_details(again, states.details_to_json(details))
    assert again == details
    assert states.details_to_json(details)["refresh_cache"] is False


def test_results_survive_storage() -> None:
    result = state_pb2.ResultReference(
        storage_key="k", storage_url="file:///r", serializer="pickle", size_bytes=7, expires_at=Timestamp(seconds=9)
    )
    result.foreign.string_value = "x"
    again = state_pb2.ResultReference()
    states.fill_result(again, states.result_to_json(result))
    assert again == result


def test_a_state_without_a_name_gets_the_usual_one() -> None:
    assert states.to_new_state(state_pb2.State(type=state_pb2.STATE_TYPE_PAUSED)).name == "Paused"


@given(
    policy=st.builds(
        RetryPolicy,
        retries=st.integers(0, 9),
        delay_seconds=st.lists(st.floats(0, 100), max_size=3).map(tuple),
        jitter_factor=st.floats(0, 2),
        infrastructure_retries=st.integers(0, 9),
        pause_keys=st.lists(st.text(), max_size=2).map(tuple),
        resuming=st.booleans(),
    )
)
def test_policies_survive_storage_and_the_wire(policy: RetryPolicy) -> None:
    stored = policy_to_json(policy)
    assert policy_from_json(stored) == policy
    message = flow_run_pb2.RetryPolicy()
    states.fill_retry_policy(message, stored)
    assert states.to_retry_policy(message) == policy


def test_a_filter_reads_every_field() -> None:
    message = flow_run_pb2.FlowRunFilter(
        state_types=[state_pb2.STATE_TYPE_FAILED], has_parent=False, run_time_at_least=Duration(seconds=5)
    )
    getattr(message.created, "from").FromSeconds(5)
    chosen = filters.to_flow_run_filter(message)
    assert chosen.state_types == ("FAILED",)
    assert chosen.has_parent is False
    assert chosen.auto_scheduled is None
    assert chosen.run_time_at_least == 5
    assert chosen.created.since == datetime.datetime(1970, 1, 1, 0, 0, 5, tzinfo=datetime.UTC)
    assert chosen.created.until is None
    names = {field.name for field in flow_run_pb2.FlowRunFilter.DESCRIPTOR.fields}
    assert names == set(type(chosen).__slots__)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"markdown": "# hi"}, "MARKDOWN"),
        ({"progress": 50.0}, "PROGRESS"),
        ({"link": artifact_pb2.LinkContent(url="u")}, "LINK"),
        ({"image": artifact_pb2.ImageContent(data=b"x", media_type="image/png")}, "IMAGE"),
        ({"value": Value(number_value=1)}, "OTHER"),
        ({"kind": artifact_pb2.ARTIFACT_KIND_RESULT, "value": Value(number_value=1)}, "RESULT"),
    ],
)
def test_an_artifact_has_the_kind_of_its_content(fields: dict[str, Any], kind: str) -> None:
    assert artifacts.to_new_artifact(artifact_pb2.Artifact(**fields)).kind == kind


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": artifact_pb2.ARTIFACT_KIND_TABLE, "markdown": "x"},
        {"progress": 101.0},
        {"artifact_id": "x", "markdown": "x"},
    ],
)
def test_an_artifact_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidArgument):
        artifacts.to_new_artifact(artifact_pb2.Artifact(**fields))
