from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import grpc.aio
import pytest
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import channel_pb2, channel_pb2_grpc
from headrace.ids import uuid7
from headrace.rpc.status import from_rpc_error
from headrace_chassis.settings import ServerSettings
from headrace_harness.channels import DEAD, DELIVERED, a_channel, create_channel, ended, send
from headrace_harness.receiver import Receiver, Reply
from headrace_harness.services import RunningService, running_service
from headrace_notification.rules.channels import MASK
from headrace_notification.wiring import build
from service.notification.played import KEY, World

SECRET = "s3cr3t-of-the-receiver"
NEW_KEY = "ef" * 32


def stub_of(service: RunningService) -> Any:
    return channel_pb2_grpc.ChannelServiceStub(service.channel)


@contextlib.contextmanager
def refused(expected: type[errors.HeadraceError], *fields: str) -> Iterator[None]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    error = from_rpc_error(caught.value)
    assert isinstance(error, expected), error
    if fields:
        assert isinstance(error, errors.InvalidArgument)
        assert [violation.field for violation in error.violations] == list(fields), error
    assert SECRET not in str(error)


async def update(service: RunningService, channel: channel_pb2.Channel, *paths: str) -> channel_pb2.Channel:
    request = channel_pb2.UpdateChannelRequest(channel=channel, update_mask=FieldMask(paths=paths))
    response: channel_pb2.UpdateChannelResponse = await stub_of(service).UpdateChannel(request)
    return response.channel


def a_webhook(receiver: Receiver, **fields: Any) -> channel_pb2.Channel:
    config = {"url": receiver.url, "signing_secret": SECRET, "headers": {"X-Token": f"token {SECRET}"}}
    return a_channel("webhook", config, **fields)


async def test_a_channel_comes_back_as_it_was_handed_in_without_its_secrets(
    service: RunningService, receiver: Receiver
) -> None:
    handed_in = a_webhook(
        receiver,
        description="for the night",
        paused=True,
        policy=channel_pb2.ChannelPolicy(
            most_per_minute=30,
            quiet_hours=channel_pb2.QuietHours(begins_at="22:00", ends_at="07:00", zone="Europe/Berlin", days=[1, 5]),
            most_tries=3,
        ),
    )
    handed_in.policy.group_within.FromSeconds(300)
    created = await create_channel(service.channel, handed_in)
    assert created.policy.quiet_hours.passes == channel_pb2.SEVERITY_CRITICAL
    created.policy.quiet_hours.passes = channel_pb2.SEVERITY_UNSPECIFIED
    assert created.policy == handed_in.policy
    assert (created.name, created.kind, created.description, created.paused) == (
        "on call",
        "webhook",
        "for the night",
        True,
    )
    assert created.config["url"] == receiver.url
    assert created.config["signing_secret"] == MASK
    assert json_format.MessageToDict(created.config)["headers"] == {"X-Token": MASK}
    for asked in (created.channel_id, "on call"):
        found = await stub_of(service).GetChannel(channel_pb2.GetChannelRequest(channel=asked))
        assert SECRET not in str(found)
        assert found.channel.channel_id == created.channel_id
    listed = await stub_of(service).ListChannels(channel_pb2.ListChannelsRequest(kinds=["webhook"]))
    assert [one.channel_id for one in listed.channels] == [created.channel_id]
    assert SECRET not in str(listed)
    assert (await stub_of(service).ListChannels(channel_pb2.ListChannelsRequest(kinds=["slack"]))).channels == []


async def test_secrets_are_sealed_in_the_database(
    service: RunningService, receiver: Receiver, database_url: str
) -> None:
    await create_channel(service.channel, a_webhook(receiver))
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("select row_to_json(channel)::text as it from notification.channel")
    finally:
        await connection.close()
    assert rows
    assert all(SECRET not in row["it"] for row in rows)


async def test_creating_again_with_the_same_id_gives_the_first_and_names_are_unique(
    service: RunningService, receiver: Receiver
) -> None:
    wanted = a_webhook(receiver, channel_id=str(uuid7()))
    first = await create_channel(service.channel, wanted)
    assert await create_channel(service.channel, wanted) == first
    with refused(errors.AlreadyExists):
        await create_channel(service.channel, a_webhook(receiver))
    other = await create_channel(service.channel, a_webhook(receiver, name="other"))
    other.name = "on call"
    with refused(errors.AlreadyExists):
        await update(service, other, "name")


@pytest.mark.parametrize(
    ("kind", "config", "fields"),
    [
        ("fax", {}, ["channel.kind"]),
        ("slack", {}, ["channel.config.webhook_url"]),
        ("slack", {"webhook_url": "https://user:pw@hooks.slack.com/x"}, ["channel.config.webhook_url"]),
        ("slack", {"webhook_url": "file:///etc/passwd"}, ["channel.config.webhook_url"]),
        ("slack", {"webhook_url": "https://hooks.slack.com/x", "chanel": "x"}, ["channel.config.chanel"]),
        ("pagerduty", {"routing_key": SECRET}, ["channel.config.routing_key"]),
        ("webhook", {"url": "https://x.example", "headers": {"Host": "y"}}, ["channel.config.headers"]),
        ("webhook", {"url": "https://x.example", "headers": {"X": f"{SECRET}\r\nY: z"}}, ["channel.config.headers"]),
        (
            "webhook",
            {"url": "https://x.example", "body_template": "{{ ''.__class__ }}"},
            ["channel.config.body_template"],
        ),
        (
            "email",
            {
                "host": "mail.example.org",
                "security": "none",
                "username": "u",
                "password": SECRET,
                "from_address": "a@example.org",
                "to_addresses": ["b@example.org"],
            },
            ["channel.config"],
        ),
        (
            "email",
            {"host": "x y", "from_address": "a@example.org\nBcc: c@d", "to_addresses": []},
            ["channel.config.host", "channel.config.from_address", "channel.config.to_addresses"],
        ),
    ],
)
async def test_a_wrong_configuration_is_refused_by_its_fields(
    service: RunningService, kind: str, config: dict[str, Any], fields: list[str]
) -> None:
    with refused(errors.InvalidArgument, *fields):
        await create_channel(service.channel, a_channel(kind, config))


async def test_a_wrong_policy_is_refused_by_its_fields(service: RunningService, receiver: Receiver) -> None:
    policy = channel_pb2.ChannelPolicy(
        quiet_hours=channel_pb2.QuietHours(begins_at="22:00", ends_at="22:00", zone="Moon/Base"),
        escalation=channel_pb2.Escalation(channel_id=str(uuid7())),
    )
    policy.group_within.FromSeconds(90_000)
    with refused(
        errors.InvalidArgument,
        "channel.policy.group_within",
        "channel.policy.quiet_hours.zone",
        "channel.policy.quiet_hours.ends_at",
        "channel.policy.escalation.after",
        "channel.policy.escalation.channel_id",
    ):
        await create_channel(service.channel, a_webhook(receiver, policy=policy))


async def test_a_masked_secret_stays_and_goes_to_the_same_receiver_only(
    service: RunningService, receiver: Receiver
) -> None:
    created = await create_channel(service.channel, a_webhook(receiver))
    created.config["body_template"] = "{{ message.subject }}"
    changed = await update(service, created, "config")
    assert changed.config["signing_secret"] == MASK
    await ended(service.channel, await send(service.channel, created.channel_id, "hello"))
    [received] = await receiver.got(1)
    assert received.headers["x-token"] == f"token {SECRET}"
    assert received.body == b"hello"
    changed.config["url"] = "https://elsewhere.example.com/"
    with refused(errors.InvalidArgument, "channel.config.headers.X-Token", "channel.config.signing_secret"):
        await update(service, changed, "config")
    changed.kind = "slack"
    with refused(errors.InvalidArgument, "channel.config"):
        await update(service, changed, "kind")


async def test_a_test_message_goes_out_at_once_and_the_answer_is_told_without_secrets(
    service: RunningService, receiver: Receiver
) -> None:
    created = await create_channel(service.channel, a_webhook(receiver, paused=True))
    receiver.replies += [Reply(), Reply(403, body=f"your token {SECRET} is not good".encode())]
    request = channel_pb2.TestChannelRequest(channel_id=created.channel_id)
    told = await stub_of(service).TestChannel(request)
    assert (told.delivered, told.status_code, told.answer) == (True, 200, "ok")
    [received] = await receiver.got(1)
    assert "on call works" in json.loads(received.body)["body"]
    told = await stub_of(service).TestChannel(request)
    assert (told.delivered, told.status_code) == (False, 403)
    # The value of the header is a secret as a whole.
    assert told.answer == f"your {MASK} is not good"


async def test_a_paused_channel_keeps_messages_and_a_deleted_one_gives_them_up(
    service: RunningService, receiver: Receiver
) -> None:
    paused = await create_channel(service.channel, a_webhook(receiver, paused=True))
    first = await send(service.channel, paused.channel_id, "first")
    other = await create_channel(service.channel, a_webhook(receiver, name="other"))
    second = await send(service.channel, other.channel_id, "second")
    assert (await ended(service.channel, second)).delivery.status == DELIVERED
    assert [json.loads(one.body)["subject"] for one in receiver.received] == ["second"]
    paused.paused = False
    await update(service, paused, "paused")
    assert (await ended(service.channel, first)).delivery.status == DELIVERED
    paused.paused = True
    await update(service, paused, "paused")
    third = await send(service.channel, paused.channel_id, "third")
    await stub_of(service).DeleteChannel(channel_pb2.DeleteChannelRequest(channel_id=paused.channel_id))
    found = await ended(service.channel, third)
    assert (found.delivery.status, found.delivery.last_answer) == (DEAD, "the channel was deleted")
    with refused(errors.NotFound):
        await send(service.channel, paused.channel_id, "fourth")


async def test_kinds_come_with_schemas_of_which_a_form_can_be_drawn(service: RunningService) -> None:
    response = await stub_of(service).GetChannelKinds(channel_pb2.GetChannelKindsRequest())
    kinds = {kind.kind: kind for kind in response.kinds}
    assert set(kinds) == {
        *("discord", "email", "google-chat", "mattermost", "opsgenie", "pagerduty", "sendgrid", "slack", "slack-bot"),
        *("teams", "telegram", "twilio", "webhook"),
    }
    for kind in kinds.values():
        assert kind.title
        assert kind.secret_fields
        assert kind.most_per_minute > 0
        assert kind.schema["properties"]
    assert kinds["email"].schema["properties"]["port"]["default"] == 587
    assert kinds["slack"].schema["properties"]["webhook_url"]["writeOnly"]


async def test_secrets_of_all_workspaces_are_encrypted_anew_after_a_change_of_keys(
    database_url: str, world: World, receiver: Receiver
) -> None:
    def served(keys: str) -> contextlib.AbstractAsyncContextManager[RunningService]:
        settings = ServerSettings.model_validate({"encryption_key": keys, "egress_allow": ["127.0.0.1"]})
        return running_service("notification", build, database_url, neighbours=world.neighbours, settings=settings)

    async with served(KEY) as service:
        names = [f"channel {place}" for place in range(3)]
        created = [await create_channel(service.channel, a_webhook(receiver, name=name)) for name in names]
    database = await asyncpg.connect(database_url)
    try:
        # One of them belongs to another workspace than the caller's; one cannot be read.
        await database.execute("update notification.channel set workspace_id = $1 where name = 'channel 1'", uuid7())
        await database.execute("update notification.channel set channel_id = $1 where name = 'channel 2'", uuid7())
    finally:
        await database.close()
    async with served(f"{NEW_KEY},{KEY}") as service:
        request = channel_pb2.RotateChannelSecretsRequest(batch_size=2)
        rotated = unreadable = 0
        while True:
            answer = await stub_of(service).RotateChannelSecrets(request)
            rotated, unreadable = rotated + answer.rotated, unreadable + answer.unreadable
            request.page_token = answer.next_page_token
            if not answer.next_page_token:
                break
        assert (rotated, unreadable) == (2, 1)
        again = await stub_of(service).RotateChannelSecrets(channel_pb2.RotateChannelSecretsRequest())
        assert (again.rotated, again.unreadable) == (0, 1)
    async with served(NEW_KEY) as service:
        found = await ended(service.channel, await send(service.channel, created[0].channel_id))
        assert found.delivery.status == DELIVERED
    assert receiver.received[0].headers["x-token"] == f"token {SECRET}"
