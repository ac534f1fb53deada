"""What stands in front of the server."""

from __future__ import annotations

import pytest

from headrace_chassis.forwarding import TrustedProxies
from headrace_gateway.fronting import Front
from headrace_gateway.http import Message, Scope
from headrace_gateway.sessions import session_cookie


def scope(client: str, scheme: str = "http", **headers: str) -> Scope:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (client, 1), "scheme": scheme, "headers": pairs}


def test_a_named_proxy_tells_where_requests_come_from_and_whether_over_tls() -> None:
    front = Front(TrustedProxies(["10.0.0.0/8"]), is_secure=False)
    told = {"x_forwarded_for": "198.51.100.1", "x_forwarded_proto": "https"}
    through = scope("10.1.1.1", **told)
    front.enter(through)
    assert (through["client"][0], through["scheme"]) == ("198.51.100.1", "https")
    direct = scope("203.0.113.9", **told)
    front.enter(direct)
    assert (direct["client"][0], direct["scheme"]) == ("203.0.113.9", "http")


@pytest.mark.parametrize(("scheme", "over_tls"), [("http", "https"), ("ws", "wss"), ("https", "https")])
def test_where_browsers_reach_the_server_over_tls_all_requests_come_over_it(scheme: str, over_tls: str) -> None:
    coming = scope("10.1.1.1", scheme)
    Front(TrustedProxies(), is_secure=True).enter(coming)
    # So a session that another name of the domain has put into the clear does not count.
    assert (coming["scheme"], session_cookie(coming, b"headrace-session=planted")) == (over_tls, b"")


@pytest.mark.parametrize(
    ("is_secure", "scheme", "host", "is_told"),
    [
        (False, "https", "ci.example.org", True),
        (True, "http", "ci.example.org:4200", True),
        (False, "http", "ci.example.org", False),
        (False, "https", "localhost:4200", False),
        (False, "https", "[::1]:4200", False),
        (False, "https", "a.localhost", False),
    ],
)
async def test_browsers_that_come_over_tls_are_told_to_come_in_no_other_way(
    is_secure: bool, scheme: str, host: str, is_told: bool
) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    answering = Front(TrustedProxies(), is_secure=is_secure).sending(scope("203.0.113.9", scheme, host=host), send)
    await answering({"type": "http.response.start", "status": 200, "headers": []})
    await answering({"type": "http.response.body", "body": b""})
    assert [name for name, _ in sent[0]["headers"]] == ([b"strict-transport-security"] if is_told else [])
