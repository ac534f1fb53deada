"""Calls of other systems at `/hooks/<slug>`."""

from __future__ import annotations

from headrace.api.v1 import event_pb2, event_pb2_grpc, webhook_pb2, webhook_pb2_grpc
from headrace_harness.stack import Stack


async def test_a_call_of_another_system_becomes_an_event(stack: Stack) -> None:
    created = await stack.stub(webhook_pb2_grpc.WebhookServiceStub).CreateWebhook(
        webhook_pb2.CreateWebhookRequest(
            webhook=webhook_pb2.Webhook(
                name="deploys",
                most_bytes=1000,
                template=webhook_pb2.WebhookTemplate(event_name="deploy.{{ request.query.stage }}"),
            )
        )
    )
    path, headers = f"/hooks/{created.webhook.slug}", {"authorization": f"Bearer {created.secret}"}
    answer = await stack.http.post(path, params={"stage": "prod"}, content=b'{"version": 7}', headers=headers)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["stored"] is True
    request = event_pb2.GetEventRequest(event_id=told["event_id"])
    event = (await stack.stub(event_pb2_grpc.EventServiceStub).GetEvent(request)).event
    assert event.name == "deploy.prod"
    assert event.payload["version"] == 7
    assert (await stack.http.post(path, content=b"{}")).status_code == 401
    assert (await stack.http.post("/hooks/nobody-knows-it", content=b"{}")).status_code == 404
    assert (await stack.http.post(path, content=b"x" * 1001, headers=headers)).status_code == 413
    assert (await stack.http.delete(path, headers=headers)).status_code == 405


async def test_a_question_about_the_address_is_answered_as_a_text_that_is_no_page(stack: Stack) -> None:
    created = await stack.stub(webhook_pb2_grpc.WebhookServiceStub).CreateWebhook(
        webhook_pb2.CreateWebhookRequest(
            webhook=webhook_pb2.Webhook(
                name="files",
                template=webhook_pb2.WebhookTemplate(event_name="files.changed"),
                handshake=webhook_pb2.WEBHOOK_HANDSHAKE_DROPBOX,
            )
        )
    )
    answer = await stack.http.get(f"/hooks/{created.webhook.slug}", params={"challenge": "<b>me</b>"})
    assert (answer.status_code, answer.text) == (200, "<b>me</b>")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
