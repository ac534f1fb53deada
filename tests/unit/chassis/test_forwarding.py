"""Whose word is taken of where calls come from."""

from __future__ import annotations

import pytest

from headrace import errors
from headrace_chassis.audit import source_of
from headrace_chassis.forwarding import NOBODY, TrustedProxies

PROXIES = TrustedProxies(["10.0.0.0/8", "192.168.1.7", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.2.3.4, 192.168.1.7", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:5711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", ""),
        ("10.0.0.1", ",".join(["10.0.0.1"] * 1000 + ["198.51.100.1"]), "198.51.100.1"),
    ],
)
def test_only_what_a_named_proxy_saw_is_believed(peer: str, forwarded: str, origin: str) -> None:
    assert PROXIES.origin_of(peer, forwarded) == origin


def test_without_named_proxies_nothing_is_believed() -> None:
    assert not NOBODY
    assert NOBODY.origin_of("127.0.0.1", "198.51.100.1") == "127.0.0.1"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument):
        TrustedProxies(["10.0.0.0/33"])


def test_calls_through_a_proxy_that_speaks_grpc_are_told_from_where_they_come() -> None:
    metadata = {"x-forwarded-for": "198.51.100.1", "user-agent": "grpc"}
    assert source_of(metadata, "ipv4:10.0.0.1:4711", "token", PROXIES) == ("198.51.100.1", "grpc")
    assert source_of(metadata, "ipv4:203.0.113.9:4711", "token", PROXIES) == ("203.0.113.9", "grpc")
    assert source_of(metadata, "ipv4:10.0.0.1:4711", "token") == ("10.0.0.1", "grpc")
