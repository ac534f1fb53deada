from __future__ import annotations

import pathlib
import ssl
from typing import Any

import pytest

from headrace.api.v1 import channel_pb2
from headrace_harness.certificates import Authority
from headrace_harness.channels import DEAD, DELIVERED, a_channel, create_channel, ended, send
from headrace_harness.mail import PASSWORD, USERNAME, a_mail_server
from headrace_harness.services import RunningService
from headrace_notification.neighbours import smtp


@pytest.fixture
def authority() -> Authority:
    return Authority.new()


@pytest.fixture
def context(authority: Authority, tmp_path: pathlib.Path) -> ssl.SSLContext:
    certificate, key = tmp_path / "mail.pem", tmp_path / "mail.key"
    authority.issue("localhost", certificate, key, serial=7)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate, key)
    return made


def a_mail_channel(authority: Authority, port: int, **config: Any) -> channel_pb2.Channel:
    return a_channel(
        "email",
        {
            "host": "localhost",
            "port": port,
            "username": USERNAME,
            "password": PASSWORD,
            "from_address": "headrace@example.org",
            "to_addresses": ["ops@example.org", "night@example.org"],
            "ca_certificate": authority.certificate.decode(),
            **config,
        },
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_is_handed_in_over_tls_by_who_signed_in(
    service: RunningService, authority: Authority, context: ssl.SSLContext, security: str
) -> None:
    async with a_mail_server(context, security=security) as server:
        channel = await create_channel(service.channel, a_mail_channel(authority, server.port, security=security))
        found = await ended(
            service.channel, await send(service.channel, channel.channel_id, "etl failed", body="no rows\n.\nend")
        )
        assert (found.delivery.status, found.delivery.last_status_code) == (DELIVERED, 250)
        [mail] = await server.got(1)
    assert mail.is_encrypted or security == "tls"
    assert mail.username == USERNAME
    assert (mail.sender, mail.recipients) == ("headrace@example.org", ("ops@example.org", "night@example.org"))
    assert mail.message["Subject"] == "etl failed"
    assert mail.message["Headrace-Delivery-Id"] == found.delivery.channel_delivery_id
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert "no rows\n.\nend" in body.get_content().replace("\r\n", "\n")
    assert "/acknowledge/" in body.get_content()


async def test_mail_goes_without_tls_where_that_is_wanted(service: RunningService, authority: Authority) -> None:
    async with a_mail_server(None, security="none", wants_login=False) as server:
        wanted = a_mail_channel(authority, server.port, security="none")
        del wanted.config.fields["username"], wanted.config.fields["password"]
        channel = await create_channel(service.channel, wanted)
        assert (
            await ended(service.channel, await send(service.channel, channel.channel_id))
        ).delivery.status == DELIVERED
        [mail] = await server.got(1)
    assert not mail.is_encrypted


@pytest.mark.parametrize(
    ("config", "answer"),
    [
        ({"password": "wrong-p@ssword"}, "535"),
        ({"ca_certificate": ""}, "certificate verify failed"),
    ],
)
async def test_what_is_wrong_with_a_mail_channel_is_told_by_its_test(
    service: RunningService, authority: Authority, context: ssl.SSLContext, config: dict[str, str], answer: str
) -> None:
    async with a_mail_server(context, security="starttls") as server:
        channel = await create_channel(service.channel, a_mail_channel(authority, server.port, **config))
        told = await outcome_of_a_test(service, channel.channel_id)
    assert not told.delivered
    assert answer in told.answer
    assert "p@ssw" not in told.answer
    assert server.delivered == []


async def test_a_server_without_starttls_gets_neither_password_nor_mail(
    service: RunningService, authority: Authority
) -> None:
    async with a_mail_server(None, security="none", wants_login=False) as server:
        channel = await create_channel(service.channel, a_mail_channel(authority, server.port))
        found = await ended(service.channel, await send(service.channel, channel.channel_id))
    assert found.delivery.status == DEAD
    assert "STARTTLS" in found.delivery.last_answer
    assert server.delivered == []


async def test_mail_is_tried_again_when_it_may_pass_and_given_up_when_it_cannot(
    service: RunningService, authority: Authority, context: ssl.SSLContext
) -> None:
    async with a_mail_server(context, security="starttls") as server:
        server.answers.append("451 greylisted, come back")
        server.resets = 1
        channel = await create_channel(service.channel, a_mail_channel(authority, server.port))
        found = await ended(service.channel, await send(service.channel, channel.channel_id, "first"))
        assert found.delivery.status == DELIVERED
        assert [(one.delivered, one.status_code) for one in found.tries] == [(False, 0), (False, 451), (True, 250)]
        assert len(server.delivered) == 1
        server.answers.append("554 looks like spam")
        refused = await ended(service.channel, await send(service.channel, channel.channel_id, "second"))
        assert (refused.delivery.status, refused.delivery.last_status_code) == (DEAD, 554)
        assert "spam" in refused.delivery.last_answer
        assert len(server.delivered) == 1


async def test_mail_is_not_sent_twice_for_want_of_a_good_bye(
    service: RunningService, authority: Authority, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_GOOD_BYE_SECONDS", 0.05)
    async with a_mail_server(context, security="starttls") as server:
        server.says_good_bye = False
        channel = await create_channel(service.channel, a_mail_channel(authority, server.port))
        found = await ended(service.channel, await send(service.channel, channel.channel_id))
        assert [one.delivered for one in found.tries] == [True]
        assert len(server.delivered) == 1


async def outcome_of_a_test(service: RunningService, channel_id: str) -> channel_pb2.TestChannelResponse:
    """Return what came of a test message."""
    stub: Any = service.channel.unary_unary(
        "/headrace.api.v1.ChannelService/TestChannel",
        request_serializer=channel_pb2.TestChannelRequest.SerializeToString,
        response_deserializer=channel_pb2.TestChannelResponse.FromString,
    )
    response: channel_pb2.TestChannelResponse = await stub(channel_pb2.TestChannelRequest(channel_id=channel_id))
    return response
