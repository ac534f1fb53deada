"""Filters of directories: read once, and what a person typed is a value in them and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_identity.neighbours import ldap_messages
from headrace_identity.rules.ldap_filter import FilterMalformed, Item, Junction, Place, fill, read_filter


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("(uid={name})", Item("uid", "=", ((Place("name"),),))),
        ("(uid=*)", Item("uid", "=", ((), ()))),
        ("(cn=A*b\\2a*)", Item("cn", "=", ((b"A",), (b"b*",), ()))),
        ("(mail={name}@example.org)", Item("mail", "=", ((Place("name"), b"@example.org"),))),
        ("(uidNumber>=1000)", Item("uidNumber", ">=", ((b"1000",),))),
        ("(cn~=müller)", Item("cn", "~=", (("müller".encode(),),))),
        (
            "(member:1.2.840.113556.1.4.1941:={dn})",
            Item("member", ":=", ((Place("dn"),),), "1.2.840.113556.1.4.1941"),
        ),
        (
            "(&(objectClass=person)(!(locked=TRUE)))",
            Junction(
                "&",
                (
                    Item("objectClass", "=", ((b"person",),)),
                    Junction("!", (Item("locked", "=", ((b"TRUE",),)),)),
                ),
            ),
        ),
    ],
)
def test_a_filter_is_read(text: str, read: object) -> None:
    assert read_filter(text, ("name", "dn")) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uid=ada",
        "(uid=ada",
        "(uid=ada))",
        "(uid=(ada)",
        "(&)",
        "(!(a=1)(b=2))",
        "(uid={nobody})",
        "(uid>=1*2)",
        "(=ada)",
        "(u id=ada)",
        "(uid=\\zz)",
        "(uid:rule=ada)",
        "(!" * 30 + "(a=1)" + ")" * 30,
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(FilterMalformed):
        read_filter(text, ("name", "dn"))


@given(st.text())
def test_what_was_typed_is_one_value_whatever_it_is(typed: str) -> None:
    item = read_filter("(|(uid={name})(mail={name}*))", ("name",))
    assert isinstance(item, Junction)
    first, second = item.filters
    assert isinstance(first, Item)
    assert isinstance(second, Item)
    encoded = typed.encode()
    assert fill(first, {"name": typed}) == (encoded,)
    assert fill(second, {"name": typed}) == (encoded, b"")


def test_a_search_is_written_as_the_standard_has_it() -> None:
    condition = read_filter("(&(uid={name})(cn=*)(sn=a*b))", ("name",))
    request = ldap_messages.search(5, "dc=x", condition, {"name": "*)("}, ["mail"], size_limit=2, time_limit_seconds=8)
    assert request.hex() == (
        "3042020105"  # message 5
        "633d040464633d78"  # search below dc=x
        "0a01020a0100020102020108010100"  # whole subtree, aliases as they are, 2 entries, 8 s, values too
        "a01e"  # all of
        "a30a04037569640403"
        "2a2928"  # uid is *)(
        "8702636e"  # there is a cn
        "a40c0402736e3006800161820162"  # sn begins with a and ends with b
        "300604046d61696c"
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    for read in (ldap_messages.read_message, ldap_messages.read_result, ldap_messages.read_entry):
        try:
            read(data)
        except ldap_messages.Malformed:
            continue
