"""Of the cookies that a browser sends along, services see the session's alone."""

from __future__ import annotations

import pytest

from headrace_gateway.metadata import metadata_of
from headrace_gateway.sessions import session_cookie


@pytest.mark.parametrize(
    ("scheme", "sent", "passed"),
    [
        ("http", b"theme=dark; headrace-session=hs_1; other=x", b"headrace-session=hs_1"),
        ("http", b"headrace-session=hs_1; headrace-session=hs_2", b"headrace-session=hs_1"),
        ("http", b"headrace-session=planted; __Host-headrace-session=hs_1", b"__Host-headrace-session=hs_1"),
        ("https", b"headrace-session=planted; __Host-headrace-session=hs_1", b"__Host-headrace-session=hs_1"),
        ("https", b"headrace-session=planted", b""),
        ("http", b"theme=dark", b""),
        ("http", b"", b""),
    ],
)
def test_the_session_is_found(scheme: str, sent: bytes, passed: bytes) -> None:
    assert session_cookie({"scheme": scheme}, sent) == passed


def test_cookies_of_others_are_not_passed_on() -> None:
    headers = [(b"cookie", "name=Zoë; headrace-session=hs_1".encode()), (b"authorization", b"Bearer k")]
    metadata = dict(metadata_of({"method": "GET", "headers": headers}, None, None))
    assert metadata == {"cookie": "headrace-session=hs_1", "authorization": "Bearer k"}
    assert metadata_of({"method": "GET", "headers": [(b"cookie", b"theme=dark")]}, None, None) == ()
