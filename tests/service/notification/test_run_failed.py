"""A run fails, and the one who wants to know is told: once, whatever happens in between."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest

from headrace.api.v1 import automation_pb2, automation_pb2_grpc, state_pb2
from headrace_harness.automations import a_match, a_webhook, an_automation, answered, create, settled
from headrace_harness.receiver import Receiver, Reply
from headrace_harness.services import RunningService
from service.notification.played import World, a_run

FAILED, RUNNING = state_pb2.STATE_TYPE_FAILED, state_pb2.STATE_TYPE_RUNNING
DELIVERED, DEAD = automation_pb2.DELIVERY_STATUS_DELIVERED, automation_pb2.DELIVERY_STATUS_DEAD


async def test_a_failed_run_calls_the_webhook_once_with_what_happened(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    automation = await create(
        service.channel,
        an_automation(a_webhook(receiver.url, headers={"X-Token": "s3cret"}, signing_secret="key")),
    )
    run = a_run()
    await world.enter(run, RUNNING)
    state_id = await world.enter(run, FAILED, message="ValueError: no rows")
    [request] = await receiver.got(1)
    body = json.loads(request.body)
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-token"] == "s3cret"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert body["id"] == state_id
    assert body["name"] == "headrace.flow-run.Failed"
    assert body["resource"]["id"] == f"headrace.flow-run.{run.flow_run_id}"
    assert body["resource"]["name"] == "happy-cat"
    assert body["resource"]["labels"]["team"] == "data"
    assert body["resource"]["labels"]["headrace.state-message"] == "ValueError: no rows"
    assert body["payload"]["intended"] == {"from": "RUNNING", "to": "FAILED"}
    assert {related["role"]: related["name"] for related in body["related"]} == {
        "flow": "etl",
        "deployment": "nightly",
        "work-pool": "pool",
        "work-queue": "default",
        "tag": "prod",
    }
    assert body["automation"] == {"id": automation.automation_id, "name": "tell me"}
    assert body["firing"]["state"] == "fired"
    stamp, signature = (part.partition("=")[2] for part in request.headers["headrace-signature"].split(","))
    expected = hmac.new(b"key", f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert signature == expected
    assert abs(int(stamp) - time.time()) < 60
    [delivery] = await settled(service.channel)
    assert delivery.status == DELIVERED
    assert (delivery.tries, delivery.last_status_code, delivery.last_answer) == (1, 200, "ok")
    assert delivery.event_id == state_id
    assert delivery.automation_name == "tell me"
    assert delivery.dedup_key == request.headers["headrace-delivery-id"]
    assert len(receiver.received) == 1


async def test_a_template_makes_the_body_of_the_event_and_its_run(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    template = (
        '{"text": {{ ("Run " ~ flow_run.name ~ " of " ~ flow.name ~ " entered " ~ flow_run.state.name)|tojson }}, '
        '"n": {{ flow_run.parameters.n }}, "tags": {{ flow_run.tags|tojson }}, "by": "{{ automation.name }}"}'
    )
    await create(service.channel, an_automation(a_webhook(receiver.url, body_template=template, method="PUT")))
    await world.enter(a_run(), FAILED)
    [request] = await receiver.got(1)
    assert request.method == "PUT"
    assert json.loads(request.body) == {
        "text": "Run happy-cat of etl entered Failed",
        "n": 3,
        "tags": ["prod"],
        "by": "tell me",
    }


@pytest.mark.parametrize(
    "first",
    [Reply(500), Reply(503, {"Retry-After": "1"}), Reply(is_reset=True)],
    ids=["500", "503", "reset"],
)
async def test_what_fails_in_passing_is_tried_again_under_the_same_key(
    service: RunningService, world: World, receiver: Receiver, first: Reply
) -> None:
    receiver.replies = [first, Reply(200)]
    await create(service.channel, an_automation(a_webhook(receiver.url)))
    await world.enter(a_run(), FAILED)
    one, other = await receiver.got(2)
    assert one.headers["headrace-delivery-id"] == other.headers["headrace-delivery-id"]
    assert one.body == other.body
    [delivery] = await settled(service.channel)
    assert (delivery.status, delivery.tries, delivery.last_status_code) == (DELIVERED, 2, 200)


async def test_a_receiver_that_asks_to_wait_is_not_called_before(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    receiver.replies = [Reply(429, {"Retry-After": "3"}), Reply(200)]
    await create(service.channel, an_automation(a_webhook(receiver.url)))
    await world.enter(a_run(), FAILED)
    first, second = await receiver.got(2)
    assert second.at - first.at >= 2.8
    [delivery] = await settled(service.channel)
    assert (delivery.status, delivery.tries) == (DELIVERED, 2)


async def test_a_receiver_that_does_not_answer_is_tried_again(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    receiver.replies = [Reply(is_silent=True), Reply(200)]
    await create(service.channel, an_automation(a_webhook(receiver.url)))
    await world.enter(a_run(), FAILED)
    await receiver.got(1)
    await answered(service.channel, "no answer within 2 s")
    await receiver.got(2)
    [delivery] = await settled(service.channel)
    assert (delivery.status, delivery.tries) == (DELIVERED, 2)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301])
async def test_what_is_refused_is_given_up_at_once_and_can_be_sent_again(
    service: RunningService, world: World, receiver: Receiver, status: int
) -> None:
    receiver.replies = [Reply(status, {"Location": "http://169.254.169.254/"}, b"\0no" * 2000), Reply(200)]
    await create(service.channel, an_automation(a_webhook(receiver.url)))
    await world.enter(a_run(), FAILED)
    [delivery] = await settled(service.channel)
    assert (delivery.status, delivery.tries, delivery.last_status_code) == (DEAD, 1, status)
    assert len(delivery.last_answer) == 2000
    assert "\0" not in delivery.last_answer
    stub = automation_stub(service)
    request = automation_pb2.ResendDeliveryRequest(delivery_id=delivery.delivery_id)
    assert (await stub.ResendDelivery(request)).delivery.status == automation_pb2.DELIVERY_STATUS_PENDING
    await receiver.got(2)
    [delivery] = await settled(service.channel)
    assert delivery.status == DELIVERED
    assert receiver.received[0].headers["headrace-delivery-id"] == receiver.received[1].headers["headrace-delivery-id"]


async def test_a_private_address_is_not_called_unless_it_is_allowed(
    service: RunningService, world: World, receiver: Receiver
) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"):
        url = f"http://{host}:{receiver.port}/"
        await create(service.channel, an_automation(a_webhook(url, allow_private_addresses=False), name=host))
    await world.enter(a_run(), FAILED)
    found = await settled(service.channel, 5)
    assert [one.status for one in found] == [DEAD] * 5
    refused = ("is this machine", "in a form that is not understood everywhere")
    assert all(any(words in one.last_answer for words in refused) for one in found), [one.last_answer for one in found]
    assert receiver.received == []


async def test_only_what_matches_is_told(service: RunningService, world: World, receiver: Receiver) -> None:
    wanted, other = a_run(), a_run(name="sad-dog")
    deployment = f"headrace.deployment.{wanted.deployment_id}"
    await create(
        service.channel,
        an_automation(
            a_webhook(receiver.url + "/deployment"), match_related=[a_match(resource_id=deployment)], name="deployment"
        ),
    )
    await create(
        service.channel,
        an_automation(
            a_webhook(receiver.url + "/tag"),
            expect=["headrace.flow-run.*"],
            match=a_match(**{"headrace.state-type": ["FAILED", "CRASHED"]}),
            match_related=[a_match(resource_role="tag", resource_id=["headrace.tag.prod"])],
            name="tag",
        ),
    )
    await create(
        service.channel,
        an_automation(a_webhook(receiver.url + "/not"), match=a_match(resource_name=["!happy-*"]), name="not"),
    )
    await create(service.channel, an_automation(a_webhook(receiver.url + "/off"), enabled=False))
    await world.enter(other, RUNNING)
    await world.enter(other, FAILED)
    del wanted.tags[:]
    await world.enter(wanted, FAILED)
    await settled(service.channel, 3)
    assert sorted(request.path for request in receiver.received) == ["/hook/deployment", "/hook/not", "/hook/tag"]


def automation_stub(service: RunningService) -> automation_pb2_grpc.AutomationServiceAsyncStub:
    return automation_pb2_grpc.AutomationServiceStub(service.channel)
