from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import json
import uuid
from typing import Any

import asyncpg
import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import channel_pb2, channel_pb2_grpc, delivery_pb2, delivery_pb2_grpc
from headrace.rpc.status import from_rpc_error
from headrace_chassis.settings import ServerSettings
from headrace_harness.channels import (
    DEAD,
    DELIVERED,
    GROUPED,
    PENDING,
    a_channel,
    all_ended,
    channel_deliveries,
    create_channel,
    ended,
    load_channel_delivery,
    send,
)
from headrace_harness.receiver import Receiver, Reply, a_receiver
from headrace_harness.services import RunningService, running_service
from headrace_harness.vendors import VENDORS, Vendor
from headrace_harness.waiting import eventually
from headrace_notification.wiring import build
from service.notification.played import KEY, World


def stub_of(service: RunningService) -> Any:
    return delivery_pb2_grpc.ChannelDeliveryServiceStub(service.channel)


def a_policy(**fields: Any) -> channel_pb2.ChannelPolicy:
    seconds = fields.pop("group_within", 0)
    policy = channel_pb2.ChannelPolicy(**fields)
    if seconds:
        policy.group_within.FromSeconds(seconds)
    return policy


async def a_hook(service: RunningService, receiver: Receiver, name: str = "hook", **policy: Any) -> channel_pb2.Channel:
    wanted = a_channel("webhook", {"url": receiver.url}, name=name, policy=a_policy(**policy))
    return await create_channel(service.channel, wanted)


def bodies(receiver: Receiver) -> list[Any]:
    return [json.loads(one.body) for one in receiver.received]


def subjects(receiver: Receiver) -> list[str]:
    return [body["subject"] for body in bodies(receiver)]


async def test_every_vendor_gets_what_it_documents_once_whatever_it_answers_at_first(service: RunningService) -> None:
    async def run(vendor: Vendor, receiver: Receiver) -> None:
        base = f"http://127.0.0.1:{receiver.port}"
        wanted = a_channel(vendor.kind, vendor.config(base), name=vendor.kind)
        channel = await create_channel(service.channel, wanted)
        # The first message finds a vendor that is busy, broken, gone and silent; then it takes it.
        receiver.replies += [vendor.busy, Reply(503), Reply(is_reset=True), vendor.accepted]
        first = await send(service.channel, channel.channel_id, "first one failed", key="first")
        assert await send(service.channel, channel.channel_id, "first one failed", key="first") == first
        found = await ended(service.channel, first)
        assert found.delivery.status == DELIVERED, found
        assert [one.delivered for one in found.tries] == [False, False, False, True]
        assert [one.status_code for one in found.tries] == [429, 503, 0, vendor.accepted.status]
        receiver.replies.append(vendor.accepted)
        second = await send(service.channel, channel.channel_id, "second one failed", key="second")
        assert (await ended(service.channel, second)).delivery.status == DELIVERED
        told = [vendor.check(one) for one in receiver.received]
        assert ["first" in one for one in told] == [True, True, True, True, False]
        assert "second one failed" in told[-1]
        keys = [one.headers["headrace-delivery-id"] for one in receiver.received]
        assert keys == [first, first, first, first, second]
        assert len(await channel_deliveries(service.channel, channel_id=channel.channel_id)) == 2

    async with contextlib.AsyncExitStack() as stack:
        receivers = {kind: await stack.enter_async_context(a_receiver()) for kind in VENDORS}
        await asyncio.gather(*(run(vendor, receivers[kind]) for kind, vendor in VENDORS.items()))


async def test_a_receiver_that_is_silent_is_left_and_asked_again(service: RunningService, receiver: Receiver) -> None:
    channel = await a_hook(service, receiver)
    receiver.replies.append(Reply(is_silent=True))
    found = await ended(service.channel, await send(service.channel, channel.channel_id))
    assert [(one.delivered, one.answer) for one in found.tries] == [(False, "no answer within 2 s"), (True, "ok")]


async def test_who_says_when_to_come_back_is_left_alone_until_then(service: RunningService, receiver: Receiver) -> None:
    channel = await a_hook(service, receiver)
    receiver.replies.append(Reply(429, {"Retry-After": "3000"}))
    first = await send(service.channel, channel.channel_id, "first")
    await receiver.got(1)

    async def is_put_off() -> bool:
        return (await load_channel_delivery(service.channel, first)).delivery.last_status_code == 429

    await eventually(is_put_off, 30)
    delivery = (await load_channel_delivery(service.channel, first)).delivery
    until = delivery.next_try_at.ToDatetime() - delivery.created_at.ToDatetime()
    assert until >= datetime.timedelta(seconds=3000)
    # All that goes to the channel waits, not this message alone.
    second = await send(service.channel, channel.channel_id, "second")
    stub = channel_pb2_grpc.ChannelServiceStub(service.channel)
    held = (await stub.GetChannel(channel_pb2.GetChannelRequest(channel=channel.channel_id))).channel
    assert held.HasField("held_until")
    other = await a_hook(service, receiver, name="other")
    await ended(service.channel, await send(service.channel, other.channel_id, "third"))
    assert subjects(receiver) == ["first", "third"]
    # Someone who changes the channel wants to know at once.
    held.description = "mended"
    await stub.UpdateChannel(channel_pb2.UpdateChannelRequest(channel=held))
    assert (await ended(service.channel, second)).delivery.status == DELIVERED


async def test_what_is_refused_is_given_up_and_can_be_sent_again(service: RunningService, receiver: Receiver) -> None:
    channel = await a_hook(service, receiver, most_tries=2)
    receiver.replies += [Reply(410, body=b"gone"), Reply(500), Reply(500), Reply()]
    refused = await send(service.channel, channel.channel_id, "refused")
    found = await ended(service.channel, refused)
    assert (found.delivery.status, found.delivery.tries, found.delivery.last_answer) == (DEAD, 1, "gone")
    failing = await send(service.channel, channel.channel_id, "failing")
    found = await ended(service.channel, failing)
    assert (found.delivery.status, found.delivery.tries) == (DEAD, 2)
    dead = await channel_deliveries(service.channel, statuses=[DEAD])
    assert [one.channel_delivery_id for one in dead] == [refused, failing]
    request = delivery_pb2.ResendChannelDeliveryRequest(channel_delivery_id=failing)
    assert (await stub_of(service).ResendChannelDelivery(request)).delivery.status == PENDING
    found = await ended(service.channel, failing)
    assert (found.delivery.status, found.delivery.tries, len(found.tries)) == (DELIVERED, 3, 3)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        unknown = delivery_pb2.ResendChannelDeliveryRequest(channel_delivery_id=str(uuid.uuid4()))
        await stub_of(service).ResendChannelDelivery(unknown)
    assert isinstance(from_rpc_error(caught.value), errors.NotFound)


async def test_no_more_is_sent_in_a_minute_than_the_channel_takes(service: RunningService, receiver: Receiver) -> None:
    channel = await a_hook(service, receiver, most_per_minute=2)
    sent = [await send(service.channel, channel.channel_id, f"number {place}") for place in range(4)]
    await ended(service.channel, sent[0])
    other = await a_hook(service, receiver, name="other")
    await ended(service.channel, await send(service.channel, other.channel_id, "other"))
    statuses = {one.channel_delivery_id: one.status for one in await channel_deliveries(service.channel)}
    assert [statuses[one] for one in sent] == [DELIVERED, PENDING, PENDING, PENDING]
    assert subjects(receiver) == ["number 0", "other"]


async def test_what_belongs_together_is_gathered_and_sent_as_one(
    service: RunningService, receiver: Receiver, database_url: str
) -> None:
    channel = await a_hook(service, receiver, group_within=300)

    async def fail(subject: str, group: str = "etl") -> str:
        return await send(service.channel, channel.channel_id, subject, group=group, plural="runs failed")

    first = await fail("run 0 failed")
    await ended(service.channel, first)
    gathered = [await fail(f"run {place} failed") for place in range(1, 18)]
    alone = await fail("another flow", group="other")
    assert (await ended(service.channel, alone)).delivery.grouped == 1
    assert subjects(receiver) == ["run 0 failed", "another flow"]
    assert [one.status for one in await channel_deliveries(service.channel, statuses=[PENDING])] == [PENDING] * 17
    # Five minutes later.
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "update notification.channel_delivery set next_try_at = now(), created_at = created_at"
            " - case when message->>'subject' = 'run 1 failed' then interval '5 minutes' else interval '0' end"
            " where status = 'PENDING'"
        )
    finally:
        await connection.close()
    found = await all_ended(service.channel, 19, channel_id=channel.channel_id)
    [carrier] = [one for one in found if one.grouped > 1]
    assert carrier.grouped == 17
    parts = await channel_deliveries(service.channel, digest_id=carrier.channel_delivery_id)
    assert {one.status for one in parts} == {GROUPED}
    assert {one.channel_delivery_id for one in parts} | {carrier.channel_delivery_id} == set(gathered)
    told = json.loads(receiver.received[-1].body)
    assert told["subject"] == "17 runs failed in 5 minutes"
    assert "- run 5 failed" in told["body"]
    assert len(receiver.received) == 3


async def test_an_answer_that_breaks_off_behind_its_status_is_an_answer(
    service: RunningService, receiver: Receiver
) -> None:
    receiver.replies.append(Reply(200, {"Content-Length": "100"}, b"tak"))
    channel = await a_hook(service, receiver)
    found = await ended(service.channel, await send(service.channel, channel.channel_id))
    assert [(one.delivered, one.status_code, one.answer) for one in found.tries] == [(True, 200, "tak")]
    assert len(receiver.received) == 1


async def test_quiet_hours_keep_back_what_is_not_severe(service: RunningService, receiver: Receiver) -> None:
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = now - datetime.timedelta(hours=3), now + datetime.timedelta(hours=3)
    quiet = channel_pb2.QuietHours(
        begins_at=begins.strftime("%H:%M"), ends_at=ends.strftime("%H:%M"), passes=channel_pb2.SEVERITY_CRITICAL
    )
    channel = await a_hook(service, receiver, quiet_hours=quiet)
    kept = await send(service.channel, channel.channel_id, "error")
    critical = await send(service.channel, channel.channel_id, "critical", severity=channel_pb2.SEVERITY_CRITICAL)
    await ended(service.channel, critical)
    assert subjects(receiver) == ["critical"]
    delivery = (await load_channel_delivery(service.channel, kept)).delivery
    assert (delivery.status, delivery.tries) == (PENDING, 0)
    assert delivery.next_try_at.ToDatetime(datetime.UTC) > now + datetime.timedelta(hours=2)


async def test_what_quiet_hours_let_pass_does_not_wait_for_the_rest_of_its_group(
    service: RunningService, receiver: Receiver
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = now - datetime.timedelta(hours=3), now + datetime.timedelta(hours=3)
    quiet = channel_pb2.QuietHours(
        begins_at=begins.strftime("%H:%M"), ends_at=ends.strftime("%H:%M"), passes=channel_pb2.SEVERITY_ERROR
    )
    channel = await a_hook(service, receiver, quiet_hours=quiet, group_within=300)
    kept = await send(service.channel, channel.channel_id, "done", group="g", severity=channel_pb2.SEVERITY_SUCCESS)
    failed = await send(service.channel, channel.channel_id, "failed", group="g")
    await ended(service.channel, failed)
    assert subjects(receiver) == ["failed"]
    assert (await load_channel_delivery(service.channel, kept)).delivery.status == PENDING


async def test_what_nobody_acknowledges_is_told_to_another_channel(
    service: RunningService, receiver: Receiver, database_url: str
) -> None:
    boss = await a_hook(service, receiver, name="boss")
    escalation = channel_pb2.Escalation(channel_id=boss.channel_id)
    escalation.after.FromSeconds(60)
    channel = await a_hook(service, receiver, name="team", escalation=escalation)
    taken = await send(service.channel, channel.channel_id, "taken")
    missed = await send(service.channel, channel.channel_id, "missed")
    harmless = await send(service.channel, channel.channel_id, "harmless", severity=channel_pb2.SEVERITY_INFO)
    for one in (taken, missed, harmless):
        await ended(service.channel, one)
    assert not (await load_channel_delivery(service.channel, harmless)).delivery.HasField("escalates_at")
    request = delivery_pb2.AcknowledgeChannelDeliveryRequest(channel_delivery_id=taken)
    acknowledged = (await stub_of(service).AcknowledgeChannelDelivery(request)).delivery
    assert acknowledged.HasField("acknowledged_at")
    assert acknowledged.acknowledged_by
    assert not acknowledged.HasField("escalates_at")
    assert (await stub_of(service).AcknowledgeChannelDelivery(request)).delivery == acknowledged
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "update notification.channel_delivery set escalates_at = now() where escalates_at is not null"
        )
    finally:
        await connection.close()
    [told] = await all_ended(service.channel, 1, channel_id=boss.channel_id)
    assert told.escalation_of_id == missed
    assert (await load_channel_delivery(service.channel, missed)).delivery.escalated_to_id == told.channel_delivery_id
    assert told.message.subject == "Not acknowledged: missed"
    still_open = await channel_deliveries(service.channel, acknowledged=False)
    assert {one.channel_delivery_id for one in still_open} == {missed, harmless, told.channel_delivery_id}


async def test_what_cannot_be_delivered_escalates_at_once(service: RunningService, receiver: Receiver) -> None:
    boss = await a_hook(service, receiver, name="boss")
    escalation = channel_pb2.Escalation(channel_id=boss.channel_id)
    escalation.after.FromSeconds(3600)
    channel = await a_hook(service, receiver, name="team", escalation=escalation)
    receiver.replies.append(Reply(404))
    await ended(service.channel, await send(service.channel, channel.channel_id, "unheard"))
    [told] = await all_ended(service.channel, 1, channel_id=boss.channel_id)
    assert "could not be delivered" in told.message.body


async def test_the_link_in_a_message_acknowledges_that_message_and_nothing_else(
    service: RunningService, receiver: Receiver
) -> None:
    channel = await a_hook(service, receiver)
    first = await send(service.channel, channel.channel_id, "first")
    second = await send(service.channel, channel.channel_id, "second")
    for one in (first, second):
        await ended(service.channel, one)
    # Two that wait at the same time come in either order.
    [link] = [body["acknowledge_url"] for body in bodies(receiver) if body["subject"] == "first"]
    assert link.startswith("https://headrace.example/acknowledge/")
    token = link.rpartition("/")[2]
    looked = await stub_of(service).GetAcknowledgement(delivery_pb2.GetAcknowledgementRequest(token=token))
    assert looked.acknowledgement.subject == "first"
    assert not looked.acknowledgement.HasField("acknowledged_at")
    done = await stub_of(service).AcknowledgeByLink(delivery_pb2.AcknowledgeByLinkRequest(token=token))
    assert done.acknowledgement.acknowledged_by == "link"
    deliveries = {one.channel_delivery_id: one for one in await channel_deliveries(service.channel)}
    assert deliveries[first].HasField("acknowledged_at")
    assert not deliveries[second].HasField("acknowledged_at")
    text, _, signature = token.partition(".")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    other = base64.urlsafe_b64encode(data[:16] + uuid.UUID(second).bytes).decode().rstrip("=")
    for wrong in (f"{other}.{signature}", f"{text}.{signature[:-1]}", text, f"{text}.", "x", f"{text}.{'A' * 32}"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub_of(service).AcknowledgeByLink(delivery_pb2.AcknowledgeByLinkRequest(token=wrong))
        assert isinstance(from_rpc_error(caught.value), errors.NotFound)


async def test_private_addresses_are_called_only_where_the_allow_list_has_them(
    database_url: str, world: World, receiver: Receiver
) -> None:
    settings = ServerSettings.model_validate({"encryption_key": KEY, "delivery_claim_seconds": 4.0})
    async with running_service(
        "notification", build, database_url, neighbours=world.neighbours, settings=settings
    ) as service:
        channel = await a_hook(service, receiver)
        found = await ended(service.channel, await send(service.channel, channel.channel_id))
        assert found.delivery.status == DEAD
        assert found.delivery.last_answer.startswith("127.0.0.1 is not called: 127.0.0.1 is this machine; HEADRACE_")
        mail = a_channel(
            "email",
            {
                "host": "127.0.0.1",
                "port": receiver.port,
                "from_address": "a@b.example",
                "to_addresses": ["c@d.example"],
            },
            name="mail",
        )
        mailing = await create_channel(service.channel, mail)
        found = await ended(service.channel, await send(service.channel, mailing.channel_id))
        assert found.delivery.status == DEAD
        assert "is this machine" in found.delivery.last_answer
    assert receiver.received == []
