"""Blocks taken apart into what is shown and what is secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_state.rules.blocks import HIDDEN, BlockFault, put_together, take_apart, to_pointer

OBJECT: dict[str, Any] = {"type": "object"}


@pytest.mark.parametrize(
    ("patterns", "data", "shown", "secrets"),
    [
        (["token"], {"token": "t", "user": "u"}, {"token": HIDDEN, "user": "u"}, {"/token": "t"}),
        (["token"], {"token": None}, {"token": None}, {}),
        (["token"], {}, {}, {}),
        (["headers.*"], {"headers": {"a/b": "1", "c~": "2"}}, {"headers": {"a/b": HIDDEN, "c~": HIDDEN}},
         {"/headers/a~1b": "1", "/headers/c~0": "2"}),
        (["keys.*"], {"keys": ["x", "y"]}, {"keys": [HIDDEN, HIDDEN]}, {"/keys/0": "x", "/keys/1": "y"}),
        (["all", "all.*"], {"all": {"x": 1}}, {"all": HIDDEN}, {"/all": {"x": 1}}),
        (["a.*.b"], {"a": [{"b": 1, "c": 2}, {"c": 3}]}, {"a": [{"b": HIDDEN, "c": 2}, {"c": 3}]}, {"/a/0/b": 1}),
        (["login.token"], {"login": {"$block": "git/x"}}, {"login": {"$block": "git/x"}}, {}),
    ],
)  # fmt: skip
def test_secrets_are_taken_out_where_the_type_has_them(
    patterns: list[str], data: dict[str, Any], shown: dict[str, Any], secrets: dict[str, Any]
) -> None:
    content = take_apart(data, OBJECT, patterns, {})
    assert (content.shown, content.secrets) == (shown, secrets)
    assert put_together(content.shown, content.secrets) == data


texts = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
).filter(lambda value: "$block" not in json.dumps(value))


@given(data=st.dictionaries(st.sampled_from("abc"), values), patterns=st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "*"]), min_size=1, max_size=4).map(".".join), max_size=3
))  # fmt: skip
def test_whatever_is_taken_apart_can_be_put_together(data: dict[str, Any], patterns: list[str]) -> None:
    content = take_apart(data, OBJECT, patterns, {})
    assert put_together(content.shown, content.secrets) == data


def test_a_hidden_secret_stays_as_it_was() -> None:
    content = take_apart({"token": HIDDEN, "user": "new"}, OBJECT, ["token"], {"/token": "kept"})
    assert content.secrets == {"/token": "kept"}
    with pytest.raises(BlockFault, match=r"data\.token: reads"):
        take_apart({"token": HIDDEN}, OBJECT, ["token"], {})
    # Only secrets are kept: elsewhere the stars are a text like any other.
    assert take_apart({"user": HIDDEN}, OBJECT, ["token"], {}).shown == {"user": HIDDEN}


def test_references_are_found() -> None:
    data = {"a": {"$block": "git/x"}, "b": [{"c": {"$block": "aws/y"}}]}
    assert take_apart(data, OBJECT, [], {}).references == {"/a": ("git", "x"), "/b/0/c": ("aws", "y")}


@pytest.mark.parametrize("reference", [{"$block": "git"}, {"$block": 3}, {"$block": "a/b", "c": 1}, {"$block": "/b"}])
def test_a_reference_is_nothing_else(reference: dict[str, Any]) -> None:
    with pytest.raises(BlockFault, match=r"data\.a: must be"):
        take_apart({"a": reference}, OBJECT, [], {})


@pytest.mark.parametrize(
    ("schema", "data", "message"),
    [
        ({"required": ["url", "token"]}, {"url": "u"}, "data: lacks token"),
        ({"properties": {"token": {"type": "integer"}}}, {"token": "geheim"}, "data.token: must be of type integer"),
        ({"properties": {"token": {"enum": ["a"]}}}, {"token": "geheim"}, "data.token: does not fit"),
        ({"properties": {"token": {"pattern": "^x"}}}, {"token": "geheim"}, "data.token: does not fit"),
        ({"properties": {"token": {"type": "string"}}, "additionalProperties": False}, {"geheim": 1}, "data: has"),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"token": "geheim"}, "data: does not fit"),
        ({"$ref": "#/$defs/missing"}, {"token": "geheim"}, "data: cannot be checked"),
    ],
)
def test_what_does_not_fit_is_named_without_any_values(
    schema: dict[str, Any], data: dict[str, Any], message: str
) -> None:
    with pytest.raises(BlockFault) as caught:
        take_apart(data, schema, ["token"], {})
    assert str(caught.value).startswith(message)
    assert "geheim" not in str(caught.value)


def test_data_have_a_largest_size() -> None:
    with pytest.raises(BlockFault, match="256 KiB"):
        take_apart({"a": "x" * 262_144}, OBJECT, [], {})


def test_pointers_are_those_of_the_standard() -> None:
    assert to_pointer(("a/b", 0, "c~d")) == "/a~1b/0/c~0d"
