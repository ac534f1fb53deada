from __future__ import annotations

import datetime
import socket

import httpx
import pytest

from headrace_chassis.addresses import AllowList, why_no_host, why_refused
from headrace_chassis.egress import Egress, EgressRefused, Resolve, resolve_by_system
from headrace_notification.neighbours.smtp import SmtpSender
from headrace_notification.neighbours.webhooks import HttpSender
from headrace_notification.repository import WebhookRequest
from headrace_notification.rules.deliveries import Result
from headrace_notification.rules.kinds.base import Mail

NOW = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"),
    *("2002:c0a8:101::1", "::127.0.0.1", "64:ff9b:1::1"),
]
NEVER = [
    *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
    *("2002:a9fe:a9fe::", "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "ff02::1"),
    *("255.255.255.255", "240.0.0.1", "192.0.0.192", "::169.254.169.254", "not an address", ""),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert why_refused(address, allow_private=False) is None
    assert why_refused(address, allow_private=True) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_have_to_be_allowed(address: str) -> None:
    assert why_refused(address, allow_private=False)
    assert why_refused(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    assert why_refused(address, allow_private=False)
    assert why_refused(address, allow_private=True)


class Connector(httpx.AsyncBaseTransport):
    """Makes no connection, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.failures: list[Exception] = []
        self.status = 200
        self.headers: dict[str, str] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.failures:
            raise self.failures.pop(0)
        return httpx.Response(self.status, headers=self.headers, stream=httpx.ByteStream(b"fine"))


class Names:
    """A resolver that answers as it is told, another time differently."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


def a_request(url: str, *, allow: bool = False) -> WebhookRequest:
    return WebhookRequest("POST", url, {"X-A": "b"}, b"{}", allow)


def a_sender(connector: Connector, resolve: Resolve, *allowed: str, trusts_callers: bool = False) -> HttpSender:
    egress = Egress(AllowList.of(allowed), trusts_callers=trusts_callers, resolve=resolve)
    return HttpSender(timeout_seconds=5, now=lambda: NOW, egress=egress, transport=connector)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
async def test_no_packet_leaves_for_an_address_that_is_refused(address: str) -> None:
    connector = Connector()
    answer = await a_sender(connector, Names([address])).send(a_request("https://innocent.example.com/"))
    assert answer.result is Result.REFUSED
    assert connector.asked == []


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    connector = Connector()
    answer = await a_sender(connector, Names(["93.184.216.34", "127.0.0.1"])).send(a_request("https://x.example/"))
    assert answer.result is Result.REFUSED
    assert connector.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "[::1]", "[::ffff:7f00:1]", "localhost"]
)
async def test_other_ways_to_write_this_machine_are_seen_through(host: str) -> None:
    connector = Connector()
    answer = await a_sender(connector, resolve_by_system).send(a_request(f"http://{host}:1/"))
    assert answer.result is Result.REFUSED, answer
    assert connector.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "017700000001", "127.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.1", "1.2.3.0x4"),
        *("2852039166", "0xa9fea9fe", "169.254.43518", "0", "0x", "127.0.0.08", "fe80::1%eth0", ""),
    ],
)
async def test_odd_addresses_are_not_even_looked_up(host: str) -> None:
    assert why_no_host(host)
    names = Names(["93.184.216.34"])
    with pytest.raises(EgressRefused):
        await Egress(AllowList(), resolve=names).addresses(host, 80)
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *("http://good.example@127.0.0.1/", "http://user:pw@good.example/", "http://good.example%2f@127.0.0.1/"),
        *("ftp://good.example/", "file:///etc/passwd", "gopher://127.0.0.1:25/_x", "http:///x", "//good.example/"),
    ],
)
async def test_no_packet_leaves_for_a_url_that_plays_tricks(url: str) -> None:
    connector = Connector()
    names = Names(["127.0.0.1"])
    answer = await a_sender(connector, names).send(a_request(url, allow=True))
    assert answer.result is Result.REFUSED, answer
    assert connector.asked == []


@pytest.mark.parametrize("address", PRIVATE)
async def test_who_asks_for_private_addresses_gets_those_of_the_allow_list_alone(address: str) -> None:
    connector = Connector()
    url = "http://app.lan/"
    assert (await a_sender(connector, Names([address])).send(a_request(url, allow=True))).result is Result.REFUSED
    assert connector.asked == []
    allowed = await a_sender(connector, Names([address]), "app.lan").send(a_request(url, allow=True))
    assert allowed.result is Result.DONE
    assert len(connector.asked) == 1
    unasked = await a_sender(connector, Names([address]), "app.lan").send(a_request(url, allow=False))
    assert unasked.result is Result.REFUSED
    assert len(connector.asked) == 1


@pytest.mark.parametrize("address", NEVER)
async def test_no_allow_list_and_no_trust_opens_what_is_never_called(address: str) -> None:
    connector = Connector()
    sender = a_sender(connector, Names([address]), "app.lan", "0.0.0.0/0", "::/0", trusts_callers=True)
    assert (await sender.send(a_request("http://app.lan/", allow=True))).result is Result.REFUSED
    assert connector.asked == []


def test_the_allow_list_knows_hosts_below_and_networks() -> None:
    allow = AllowList.of(["Mattermost.lan", "*.corp.example", "10.1.0.0/16", "192.168.7.7", "fd00::/8"])
    assert allow.allows("mattermost.lan.", "10.9.9.9")
    assert allow.allows("a.b.corp.example", "10.9.9.9")
    assert not allow.allows("corp.example", "10.9.9.9")
    assert not allow.allows("evilcorp.example", "10.9.9.9")
    assert allow.allows("x.example", "10.1.2.3")
    assert allow.allows("x.example", "::ffff:10.1.2.3")
    assert allow.allows("x.example", "fd12::1")
    assert allow.allows("x.example", "192.168.7.7")
    assert not allow.allows("x.example", "192.168.7.8")
    for wrong in ("http://x.lan", "", "10.0.0.0/40", "0x7f.1", "a b"):
        with pytest.raises(ValueError, match="neither a host"):
            AllowList.of([wrong])


class Connections:
    """Makes no connection for mail either, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, address: str, port: int) -> socket.socket:
        self.asked.append((address, port))
        raise ConnectionRefusedError("no")


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
async def test_mail_goes_no_other_way_out(address: str) -> None:
    connections = Connections()
    egress = Egress(AllowList(), resolve=Names([address]), connect=connections)
    mail = Mail("mail.example.org", 25, "none", "", "", "", "a@b.c", ("d@e.f",), b"x")
    answer = await SmtpSender(timeout_seconds=5, egress=egress).send(mail)
    assert answer.result is Result.REFUSED
    assert connections.asked == []


async def test_mail_goes_to_the_addresses_that_were_looked_at() -> None:
    connections = Connections()
    names = Names(["93.184.216.34", "93.184.216.35"], ["127.0.0.1"])
    egress = Egress(AllowList(), resolve=names, connect=connections)
    mail = Mail("mail.example.org", 25, "none", "", "", "", "a@b.c", ("d@e.f",), b"x")
    answer = await SmtpSender(timeout_seconds=5, egress=egress).send(mail)
    assert answer.result is Result.AGAIN
    assert connections.asked == [("93.184.216.34", 25), ("93.184.216.35", 25)]


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    connector = Connector()
    # Asked a second time the name would mean this machine.
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    answer = await a_sender(connector, names).send(a_request("https://Bücher.example:8443/p?q=1"))
    assert (answer.result, answer.status_code, answer.text) == (Result.DONE, 200, "fine")
    assert names.asked == [("xn--bcher-kva.example", 8443)]
    [request] = connector.asked
    assert str(request.url) == "https://93.184.216.34:8443/p?q=1"
    assert request.headers["Host"] == "xn--bcher-kva.example:8443"
    assert request.extensions["sni_hostname"] == "xn--bcher-kva.example"
    assert request.headers["X-A"] == "b"


async def test_another_address_of_the_name_is_tried_if_one_does_not_answer() -> None:
    connector = Connector()
    connector.failures = [httpx.ConnectError("refused")]
    answer = await a_sender(connector, Names(["93.184.216.34", "93.184.216.35"])).send(a_request("http://x.example/"))
    assert answer.result is Result.DONE
    assert [request.url.host for request in connector.asked] == ["93.184.216.34", "93.184.216.35"]


async def test_a_redirect_is_not_followed() -> None:
    connector = Connector()
    connector.status, connector.headers = 302, {"Location": "http://169.254.169.254/latest/meta-data"}
    answer = await a_sender(connector, Names(["93.184.216.34"])).send(a_request("http://x.example/"))
    assert answer.result is Result.REFUSED
    assert "redirects are not followed" in answer.text
    assert len(connector.asked) == 1


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        (429, "7", 7.0),
        (503, "Thu, 05 Mar 2026 00:00:30 GMT", 30.0),
        (503, "Wed, 04 Mar 2026 00:00:30 GMT", 0.0),
        (429, "soon", None),
        (429, "-5", None),
        (500, "7", None),
    ],
)
async def test_when_to_come_back_is_understood(status: int, value: str, expected: float | None) -> None:
    connector = Connector()
    connector.status, connector.headers = status, {"Retry-After": value}
    answer = await a_sender(connector, Names(["93.184.216.34"])).send(a_request("http://x.example/"))
    assert (answer.result, answer.retry_after_seconds) == (Result.AGAIN, expected)


async def test_a_name_without_addresses_may_have_some_later() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    answer = await a_sender(Connector(), resolve).send(a_request("http://x.example/"))
    assert answer.result is Result.AGAIN
    assert "no such host" in answer.text
