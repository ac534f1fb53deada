from __future__ import annotations

import pytest

from headrace import errors
from headrace_gateway.http import Scope
from headrace_gateway.security import Walls


def scope(method: str = "POST", **headers: str) -> Scope:
    return {"method": method, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


@pytest.mark.parametrize(
    "host",
    ["localhost:4200", "127.0.0.1:4200", "127.0.0.1", "[::1]:4200", "127.9.9.9:1", "LOCALHOST", "a.localhost:4200"],
)
def test_a_server_on_loopback_is_known_by_its_own_names(host: str) -> None:
    Walls("127.0.0.1").check(scope("GET", host=host))


@pytest.mark.parametrize("host", ["rebound.example.org:4200", "", "localhost.example.org", "10.0.0.1:4200", "0.0.0.0"])
def test_a_name_that_was_rebound_to_loopback_is_refused(host: str) -> None:
    with pytest.raises(errors.PermissionDenied) as caught:
        Walls("127.0.0.1").check(scope("GET", host=host))
    assert caught.value.reason == "HOST_NOT_ALLOWED"


def test_a_further_name_can_be_allowed() -> None:
    Walls("127.0.0.1", allowed_hosts=["CI.local"]).check(scope("GET", host="ci.local:4200"))


def test_a_server_beyond_loopback_is_known_by_any_name() -> None:
    Walls("0.0.0.0").check(scope("GET", host="anything.example.org"))


@pytest.mark.parametrize(
    "origin", ["http://evil.example.org", "null", "http://localhost:9999", "http://localhost", "", "localhost:4200"]
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_page_of_another_origin_changes_nothing(origin: str, method: str) -> None:
    with pytest.raises(errors.PermissionDenied) as caught:
        Walls("127.0.0.1").check(scope(method, host="localhost:4200", origin=origin))
    assert caught.value.reason == "ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_page_that_came_in_the_clear_changes_nothing_over_tls(scheme: str) -> None:
    walls = Walls("0.0.0.0")
    coming = {**scope(host="ci.example.org", origin="http://ci.example.org"), "scheme": scheme}
    with pytest.raises(errors.PermissionDenied) as caught:
        walls.check(coming)
    assert caught.value.reason == "ORIGIN_NOT_ALLOWED"
    walls.check({**scope(host="ci.example.org", origin="https://ci.example.org"), "scheme": scheme})


@pytest.mark.parametrize("name", ["127.0.0.1:4200", "localhost:4200", "[::1]:4200"])
def test_a_page_of_ones_own_machine_may_come_in_the_clear_past_the_proxy_that_speaks_tls(name: str) -> None:
    Walls("0.0.0.0").check({**scope(host=name, origin=f"http://{name}"), "scheme": "https"})


@pytest.mark.parametrize("origin", ["http://[", "https://[::1", "//", "http://"])
def test_an_origin_that_is_none_is_another(origin: str) -> None:
    with pytest.raises(errors.PermissionDenied):
        Walls("0.0.0.0").check(scope(host="ci.example.org", origin=origin))


def test_our_own_page_and_programs_may_change_things() -> None:
    walls = Walls("127.0.0.1")
    walls.check(scope(host="localhost:4200", origin="http://localhost:4200"))
    walls.check(scope(host="localhost:4200"))


def test_an_allowed_origin_may_change_things_and_read_the_answer() -> None:
    walls = Walls("127.0.0.1", allowed_origins=["https://ci.example.org/"])
    request = scope(host="localhost:4200", origin="https://ci.example.org")
    walls.check(request)
    headers = dict(walls.headers_for(request))
    assert headers[b"access-control-allow-origin"] == b"https://ci.example.org"
    assert b"access-control-allow-credentials" not in headers
    assert b"access-control-allow-methods" in dict(
        walls.headers_for(scope("OPTIONS", host="localhost", origin="https://ci.example.org"))
    )
    stranger = dict(walls.headers_for(scope(host="localhost:4200", origin="https://evil.example.org")))
    assert stranger == {b"vary": b"origin"}


def test_without_allowed_origins_no_page_reads_an_answer() -> None:
    assert Walls("127.0.0.1").headers_for(scope("GET", host="localhost", origin="https://a.example.org")) == []
