from __future__ import annotations

import base64
import datetime
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace.api.v1 import flow_run_pb2
from headrace_chassis.paging import check_key, decode_page_token, encode_page_token, page_size, question_digest

QUESTION = question_digest("flow-run", uuid.UUID(int=1), flow_run_pb2.FlowRunFilter())

KEY_VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.uuids(),
    st.datetimes(timezones=st.just(datetime.UTC)),
)


@pytest.mark.parametrize(("requested", "size"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)])
def test_a_page_has_a_default_and_a_largest_size(requested: int, size: int) -> None:
    assert page_size(requested) == size


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        page_size(-1)
    assert [violation.field for violation in caught.value.violations] == ["page_size"]


@given(st.lists(KEY_VALUES, min_size=1, max_size=4))
def test_a_key_comes_back_as_it_went(key: list[object]) -> None:
    token = encode_page_token(key, QUESTION)  # type: ignore[arg-type]
    assert decode_page_token(token, QUESTION) == tuple(key)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_no_token_is_the_first_page() -> None:
    assert decode_page_token("", QUESTION) is None


def test_a_token_of_another_question_is_refused() -> None:
    token = encode_page_token(["a"], QUESTION)
    questions = [
        question_digest("flow-run", uuid.UUID(int=2), flow_run_pb2.FlowRunFilter()),
        question_digest("flow-run:desc", uuid.UUID(int=1), flow_run_pb2.FlowRunFilter()),
        question_digest("flow-run", uuid.UUID(int=1), flow_run_pb2.FlowRunFilter(flow_names=["x"])),
    ]
    for question in questions:
        with pytest.raises(errors.InvalidArgument, match="another filter"):
            decode_page_token(token, question)


def test_parts_of_a_question_do_not_run_into_each_other() -> None:
    assert question_digest("ab", "c") != question_digest("a", "bc")
    assert question_digest("a", None) != question_digest("a")


@given(st.text(max_size=200))
def test_any_other_text_is_refused_as_a_token(token: str) -> None:
    if not token:
        return
    with pytest.raises(errors.InvalidArgument):
        decode_page_token(token, QUESTION)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[{}]", b'[{"u":1}]', b'[{"t":"x"}]', b"[[1]]", b"1", b'"text"', b"null", b"[1",
     b'["\\u0000"]', b"[9223372036854775808]", b'[{"t":"2026-01-01T00:00:00"}]', b'[{"t":"0001-01-01T00:00:00+14:00"}]']
)  # fmt: skip
def test_a_damaged_body_is_refused(body: bytes) -> None:
    token = base64.urlsafe_b64encode(QUESTION + body).rstrip(b"=").decode()
    with pytest.raises(errors.InvalidArgument):
        decode_page_token(token, QUESTION)


def test_a_huge_token_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument):
        decode_page_token("A" * 5000, QUESTION)


@pytest.mark.parametrize(
    ("key", "types"),
    [
        ((), (str,)),
        (("a", "b"), (str,)),
        ((1,), (str,)),
        ((None,), (uuid.UUID,)),
        ((True,), (int,)),
        (("2026-01-01", uuid.UUID(int=1)), (datetime.datetime, uuid.UUID)),
    ],
)
def test_a_key_of_another_list_is_refused(key: tuple[object, ...], types: tuple[type, ...]) -> None:
    with pytest.raises(errors.InvalidArgument, match="must be a token"):
        check_key(key, types)


def test_a_key_of_the_list_is_taken() -> None:
    check_key((None, 3, 2.5, True), ((datetime.datetime, type(None)), (int, float), (int, float), bool))
