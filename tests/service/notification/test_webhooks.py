"""Calls of other systems become events: of those who prove who they are, and once each."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import Any

import asyncpg
import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict

from headrace.api.v1 import event_pb2, event_pb2_grpc, webhook_pb2, webhook_pb2_grpc
from headrace.ids import uuid7
from headrace_harness.services import RunningService

PUSH = {
    "event_name": "github.{{ request.headers['x-github-event'] }}",
    "resource_id": "repository.{{ request.body.repository.name }}",
    "resource_name": "{{ request.body.repository.name }}",
}


def stub(service: RunningService) -> webhook_pb2_grpc.WebhookServiceAsyncStub:
    return webhook_pb2_grpc.WebhookServiceStub(service.channel)


async def created(
    service: RunningService, template: dict[str, Any] | None = None, *, secret: str = "", **fields: Any
) -> webhook_pb2.CreateWebhookResponse:
    webhook = webhook_pb2.Webhook(
        name=fields.pop("name", "pushes"), template=webhook_pb2.WebhookTemplate(**(template or PUSH)), **fields
    )
    return await stub(service).CreateWebhook(webhook_pb2.CreateWebhookRequest(webhook=webhook, secret=secret))


async def called(
    service: RunningService,
    webhook: webhook_pb2.Webhook,
    body: bytes = b'{"repository": {"name": "headrace"}, "ref": "main"}',
    **headers: str,
) -> webhook_pb2.ReceiveWebhookResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = webhook_pb2.ReceiveWebhookRequest(
        slug=webhook.slug,
        method="POST",
        headers={"content-type": "application/json", "x-github-event": "push", **named},
        query={"from": "test"},
        body=body,
    )
    return await stub(service).ReceiveWebhook(request)


async def event_of(service: RunningService, event_id: str) -> event_pb2.Event:
    response = await event_pb2_grpc.EventServiceStub(service.channel).GetEvent(
        event_pb2.GetEventRequest(event_id=event_id)
    )
    return response.event


async def events_in(service: RunningService) -> list[event_pb2.Event]:
    listed = await event_pb2_grpc.EventServiceStub(service.channel).ListEvents(event_pb2.ListEventsRequest())
    return list(listed.events)


async def test_a_call_becomes_the_event_that_the_template_says(service: RunningService) -> None:
    template = PUSH | {
        "related": [
            webhook_pb2.WebhookRelated(
                resource_id="branch.{{ request.body.ref }}", role="branch", name="{{ request.query.from }}"
            ),
            webhook_pb2.WebhookRelated(resource_id="{{ request.body.nothing }}", role="nobody"),
        ]
    }
    made = await created(service, template)
    answer = await called(service, made.webhook, authorization=f"Bearer {made.secret}")
    assert answer.stored
    event = await event_of(service, answer.event_id)
    assert (event.name, event.resource.resource_id, event.resource.name) == (
        "github.push",
        "repository.headrace",
        "headrace",
    )
    assert MessageToDict(event.payload) == {"repository": {"name": "headrace"}, "ref": "main"}
    assert [(one.role, one.resource_id, one.name) for one in event.related] == [
        ("webhook", f"headrace.webhook.{made.webhook.webhook_id}", "pushes"),
        ("branch", "branch.main", "test"),
    ]
    seen = (await stub(service).GetWebhook(webhook_pb2.GetWebhookRequest(webhook=made.webhook.slug))).webhook
    assert (seen.webhook_id, seen.received_count, seen.last_error) == (made.webhook.webhook_id, 1, "")


async def test_the_secret_is_shown_once_and_not_readable_in_the_database(
    service: RunningService, database_url: str
) -> None:
    made = await created(service)
    assert len(made.secret) >= 32
    found = await stub(service).GetWebhook(webhook_pb2.GetWebhookRequest(webhook=made.webhook.webhook_id))
    assert made.secret not in str(found)
    connection = await asyncpg.connect(database_url)
    assert made.secret not in str(await connection.fetch("select * from notification.webhook"))
    await connection.close()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"x_headrace_token": ""}])
async def test_who_does_not_prove_who_they_are_is_refused(service: RunningService, headers: dict[str, str]) -> None:
    made = await created(service)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook, b"{}", **headers)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await events_in(service) == []


def signed(secret: str, body: bytes, at: float) -> str:
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


async def test_a_signed_call_that_comes_again_is_the_same_event(service: RunningService) -> None:
    made = await created(
        service, secret="chosen by the sender", authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_HEADRACE
    )
    assert made.secret == "chosen by the sender"
    body = b'{"repository": {"name": "one"}}'
    signature = signed(made.secret, body, time.time())
    answers = await asyncio.gather(
        *(called(service, made.webhook, body, headrace_signature=signature) for _ in range(8))
    )
    assert len({answer.event_id for answer in answers}) == 1
    assert sum(answer.stored for answer in answers) == 1
    assert len(await events_in(service)) == 1
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        late = signed(made.secret, body, time.time() - 400)
        await called(service, made.webhook, body, headrace_signature=late)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_calls_of_one_name_are_one_event(service: RunningService) -> None:
    template = PUSH | {"dedup_key": "{{ request.headers['x-github-delivery'] }}"}
    made = await created(service, template, authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_NONE)
    assert made.secret == ""
    first, again, other = [await called(service, made.webhook, x_github_delivery=name) for name in ("a", "a", "b")]
    assert (first.stored, again.stored, other.stored) == (True, False, True)
    assert first.event_id == again.event_id != other.event_id
    # Without a name nothing tells one call from another: each is an event.
    assert (await called(service, made.webhook)).stored
    assert (await called(service, made.webhook)).stored


async def test_too_many_calls_are_refused_and_told_when_to_come_back(service: RunningService) -> None:
    made = await created(service, authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_NONE, most_per_minute=20)
    for _ in range(2):
        await called(service, made.webhook)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        for _ in range(20):
            await called(service, made.webhook)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = (await stub(service).GetWebhook(webhook_pb2.GetWebhookRequest(webhook=made.webhook.slug))).webhook
    assert found.received_count == len(await events_in(service)) < 22


async def test_what_is_too_large_is_refused_before_anything_else(service: RunningService) -> None:
    made = await created(service, most_bytes=100)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook, b"x" * 101)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("body", "kind", "payload"),
    [
        (b'{"a": "x\\u0000y"}', "application/json", {"a": "x\ufffdy"}),
        (b"[1, 2]", "application/json", {"body": [1.0, 2.0]}),
        (b"a=1&b=two", "application/x-www-form-urlencoded", {"a": "1", "b": "two"}),
        (b"plain", "text/plain", {"body": "plain"}),
        (b"\xff\xfe", "application/octet-stream", {"base64": "//4="}),
        (b"", "", {"body": None}),
    ],
)
async def test_any_body_can_be_taken(service: RunningService, body: bytes, kind: str, payload: Any) -> None:
    made = await created(service, {"event_name": "any.body"}, authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_NONE)
    answer = await called(service, made.webhook, body, content_type=kind)
    event = await event_of(service, answer.event_id)
    assert MessageToDict(event.payload) == payload
    assert event.resource.resource_id == f"headrace.webhook.{made.webhook.webhook_id}"


@pytest.mark.parametrize("name", ["{{ request.body.missing }}", "headrace.flow-run.Failed", "{{ 'a' * 3 }}"])
async def test_calls_that_make_no_event_are_refused_and_noted(service: RunningService, name: str) -> None:
    made = await created(service, {"event_name": name}, authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_NONE)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = (await stub(service).GetWebhook(webhook_pb2.GetWebhookRequest(webhook=made.webhook.slug))).webhook
    assert found.last_error
    assert await events_in(service) == []


async def test_templates_do_not_see_secrets(service: RunningService) -> None:
    made = await created(service, {"event_name": "seen", "resource_id": "{{ request.headers|tojson }}"})
    answer = await called(service, made.webhook, authorization=f"Bearer {made.secret}", cookie="session=1")
    event = await event_of(service, answer.event_id)
    assert "push" in event.resource.resource_id
    assert made.secret not in str(event)
    assert "session" not in str(event)


async def test_a_new_secret_is_taken_and_the_one_before_for_a_while(service: RunningService) -> None:
    made = await created(service)
    webhook_id = made.webhook.webhook_id
    request = webhook_pb2.RotateWebhookSecretRequest(webhook_id=webhook_id)
    request.grace.FromSeconds(3600)
    second = (await stub(service).RotateWebhookSecret(request)).secret
    for secret in (made.secret, second):
        assert (await called(service, made.webhook, x_headrace_token=secret)).stored
    third = await stub(service).RotateWebhookSecret(webhook_pb2.RotateWebhookSecretRequest(webhook_id=webhook_id))
    assert (await called(service, made.webhook, x_headrace_token=third.secret)).stored
    for secret in (made.secret, second):
        with pytest.raises(grpc.aio.AioRpcError):
            await called(service, made.webhook, x_headrace_token=secret)


async def test_a_paused_or_deleted_webhook_is_not_there(service: RunningService) -> None:
    made = await created(service, authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_NONE)
    paused = webhook_pb2.Webhook(webhook_id=made.webhook.webhook_id, paused=True)
    await stub(service).UpdateWebhook(webhook_pb2.UpdateWebhookRequest(webhook=paused))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    await stub(service).DeleteWebhook(webhook_pb2.DeleteWebhookRequest(webhook_id=made.webhook.webhook_id))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "template", "field"),
    [
        ({"name": " "}, PUSH, "webhook.name"),
        ({}, {"event_name": ""}, "webhook.template.event_name"),
        ({}, {"event_name": "{{ event.name }}"}, "webhook.template.event_name"),
        ({}, {"event_name": "a", "resource_id": "{{ request.__class__ }}"}, "webhook.template.resource_id"),
        ({"slug": "../admin/x"}, PUSH, "webhook.slug"),
        ({"secret": "short"}, PUSH, "secret"),
    ],
)
async def test_what_is_handed_in_wrongly_is_named(
    service: RunningService, fields: dict[str, Any], template: dict[str, Any], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await created(service, template, **fields)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in str(refused.value.trailing_metadata())


async def test_lists_have_pages_and_addresses_are_unique(service: RunningService) -> None:
    for name in ("c", "a", "b"):
        await created(service, name=name, slug=f"address-of-{name}")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await created(service, name="d", slug="address-of-a", webhook_id=str(uuid7()))
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    names, token = [], ""
    while True:
        page = await stub(service).ListWebhooks(webhook_pb2.ListWebhooksRequest(page_size=2, page_token=token))
        names += [webhook.name for webhook in page.webhooks]
        token = page.next_page_token
        if not token:
            break
    assert names == ["a", "b", "c"]


def slack_headers(secret: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x_slack_request_timestamp": stamp, "x_slack_signature": f"v0={digest}"}


async def test_a_question_about_the_address_is_answered_and_becomes_no_event(service: RunningService) -> None:
    made = await created(
        service,
        {"event_name": "slack"},
        authentication=webhook_pb2.WEBHOOK_AUTHENTICATION_SLACK,
        handshake=webhook_pb2.WEBHOOK_HANDSHAKE_SLACK,
    )
    question = b'{"type": "url_verification", "challenge": "3eZbrw1a"}'
    answer = await called(service, made.webhook, question, **slack_headers(made.secret, question))
    assert (answer.answer, answer.answer_type) == ("3eZbrw1a", "text/plain; charset=utf-8")
    assert (answer.event_id, answer.stored) == ("", False)
    assert await events_in(service) == []
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook, question, **slack_headers("another", question))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    event = b'{"type": "event_callback"}'
    assert (await called(service, made.webhook, event, **slack_headers(made.secret, event))).stored
    changed = await stub(service).UpdateWebhook(
        webhook_pb2.UpdateWebhookRequest(
            webhook=webhook_pb2.Webhook(
                webhook_id=made.webhook.webhook_id, handshake=webhook_pb2.WEBHOOK_HANDSHAKE_NONE
            ),
            update_mask=FieldMask(paths=["handshake"]),
        )
    )
    assert changed.webhook.handshake == webhook_pb2.WEBHOOK_HANDSHAKE_NONE
    assert (await called(service, made.webhook, question, **slack_headers(made.secret, question))).stored


async def test_who_cannot_sign_its_question_is_answered_and_nothing_more(service: RunningService) -> None:
    made = await created(service, {"event_name": "graph"}, handshake=webhook_pb2.WEBHOOK_HANDSHAKE_MICROSOFT_GRAPH)
    request = webhook_pb2.ReceiveWebhookRequest(
        slug=made.webhook.slug, method="POST", query={"validationToken": "Validation: 12"}
    )
    assert (await stub(service).ReceiveWebhook(request)).answer == "Validation: 12"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await called(service, made.webhook)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await events_in(service) == []
