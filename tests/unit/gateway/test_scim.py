"""Filters and changes of SCIM, as the directories of companies write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace_gateway.scim.filters import equals, read_filter
from headrace_gateway.scim.patching import patched
from headrace_gateway.scim.resources import renamed, to_team, to_user

USER: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "id": "7",
    "userName": "ada@example.org",
    "displayName": "Ada",
    "name": {"formatted": "Ada"},
    "emails": [{"value": "ada@example.org", "type": "work", "primary": True}],
    "active": True,
}
GROUP: dict[str, Any] = {"id": "9", "displayName": "Millers", "members": [{"value": "1"}, {"value": "2"}]}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('userName eq "ADA@example.org"', True),
        ('username eq "bob@example.org"', False),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@example.org"', True),
        ('userName sw "ada" and active eq true', True),
        ('userName sw "ada" and active eq "true"', False),
        ('displayName co "d" or userName eq "x"', True),
        ('not (userName ew ".org")', False),
        ('(userName eq "x" or displayName pr) and active eq True', True),
        ('emails[type eq "work" and value co "@example.org"]', True),
        ('emails[type eq "home"].value eq "ada@example.org"', False),
        ('emails.value eq "ada@example.org"', True),
        ('name.formatted ne "Ada"', False),
        ('externalId eq "x"', False),
        ("title pr", False),
        ('userName gt "ac"', True),
        ("active gt 1", False),
    ],
)
def test_a_filter_says_which_users_are_meant(text: str, fits: bool) -> None:
    assert read_filter(text)(USER) is fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        "userName is 1",
        'userName eq "a',
        "(a pr",
        "a pr b",
        "not a pr",
        "x eq y",
        "(" * 99,
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        read_filter(text)
    assert caught.value.reason == "SCIM_FILTER"


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        read_filter(text)(USER)
    except errors.InvalidArgument:
        return


def test_a_filter_for_one_user_is_seen_as_such() -> None:
    assert equals('userName eq "a\\"b"', "userName") == 'a"b'
    assert equals('userName eq "a" and active eq true', "userName") is None


def change(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return patched(resource, {"Operations": list(operations)})


def test_users_are_switched_off_and_renamed_in_the_ways_of_directories() -> None:
    assert to_user(change(USER, {"op": "Replace", "path": "active", "value": "False"})).active is False
    assert to_user(change(USER, {"op": "replace", "value": {"active": False}})).active is False
    by_name = change(USER, {"op": "replace", "path": "name.givenName", "value": "Augusta"})
    assert to_user(renamed(USER, by_name)).display_name == "Augusta"
    shown = change(USER, {"op": "replace", "value": {"displayName": "Ada King", "name.familyName": "King"}})
    assert to_user(renamed(USER, shown)).display_name == "Ada King"
    assert to_user(renamed(USER, USER)).display_name == "Ada"
    address = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "ada@mill.example"}
    moved = change(USER, address, {"op": "replace", "path": "userName", "value": "ada"})
    assert to_user(moved).email == "ada@mill.example"
    assert USER["active"] is True


def test_members_come_and_go() -> None:
    def members(*operations: dict[str, Any]) -> list[str]:
        return [each["value"] for each in change(GROUP, *operations).get("members", [])]

    assert members({"op": "add", "path": "members", "value": [{"value": "3"}, {"value": "1"}]}) == ["1", "2", "3"]
    assert members({"op": "remove", "path": 'members[value eq "1"]'}) == ["2"]
    assert members({"op": "remove", "path": "members", "value": [{"value": "2"}]}) == ["1"]
    assert members({"op": "replace", "path": "members", "value": [{"value": "4"}]}) == ["4"]
    assert members({"op": "remove", "path": "members"}) == []
    assert members({"op": "add", "value": {"members": [{"value": "5"}]}}) == ["1", "2", "5"]


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [{}],
        [{"op": "move"}],
        [{"op": "remove"}],
        [{"op": "add", "value": 1}],
        [1],
        "x",
        [{"op": "add", "path": "]"}],
    ],
)
def test_changes_that_cannot_be_are_refused(operations: Any) -> None:
    with pytest.raises(errors.InvalidArgument):
        patched(GROUP, {"Operations": operations})


def test_teams_get_handles_from_their_names() -> None:
    assert to_team({"displayName": "Millers & Carters (EU)"}).handle == "millers-carters-eu"
    with pytest.raises(errors.InvalidArgument):
        to_team({"displayName": "--"})
    with pytest.raises(errors.InvalidArgument):
        to_user({"userName": "ada"})
