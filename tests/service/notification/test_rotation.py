"""Secrets of automations after a change of keys."""

from __future__ import annotations

import uuid
from typing import Any

from headrace.api.v1 import automation_pb2, automation_pb2_grpc
from headrace_chassis.secrets import SecretBox
from headrace_chassis.settings import ServerSettings
from headrace_harness.automations import a_webhook, an_automation, create
from headrace_harness.postgres import service_database
from headrace_harness.services import running_service
from headrace_notification.wiring import build
from service.notification.played import KEY, World

NEW_KEY = "ef" * 32
_COPY = """
insert into delivery (
       delivery_id, workspace_id, automation_id, automation_name, action_kind, action, context, status, tries,
       last_answer, last_status_code
)
select $1, workspace_id, automation_id, name, 'CALL_WEBHOOK', actions -> 0, '{}', $2, 0, '', 0
  from automation
 limit 1
"""


async def test_secrets_are_encrypted_anew_where_they_may_still_be_sent(database_url: str, world: World) -> None:
    def served(keys: str) -> Any:
        settings = ServerSettings.model_validate({"encryption_key": keys})
        return running_service("notification", build, database_url, neighbours=world.neighbours, settings=settings)

    async with served(KEY) as service:
        for number in range(3):
            action = a_webhook("https://hooks.example.com/x", headers={"x-key": f"geheim-{number}"})
            action.call_webhook.signing_secret = "signed"
            await create(service.channel, an_automation(action))
    dead, delivered = uuid.UUID(int=7), uuid.UUID(int=8)
    async with service_database(database_url, "notification") as database, database.connection() as connection:
        await connection.execute(_COPY, dead, "DEAD")
        await connection.execute(_COPY, delivered, "DELIVERED")

    async def rotate(keys: str) -> list[tuple[int, int]]:
        steps = []
        request = automation_pb2.RotateAutomationSecretsRequest(batch_size=2)
        async with served(keys) as service:
            stub = automation_pb2_grpc.AutomationServiceStub(service.channel)
            while True:
                answer = await stub.RotateAutomationSecrets(request)
                steps.append((answer.rotated, answer.unreadable))
                request.page_token = answer.next_page_token
                if not request.page_token:
                    return steps

    assert sum(unreadable for _, unreadable in await rotate(NEW_KEY)) == 4
    assert [rotated for rotated, _ in await rotate(f"{NEW_KEY},{KEY}")] == [2, 1, 1, 0]
    assert sum(rotated for rotated, _ in await rotate(f"{NEW_KEY},{KEY}")) == 0

    box = SecretBox([bytes.fromhex(NEW_KEY)])
    async with service_database(database_url, "notification") as database, database.connection() as connection:
        rows = await connection.fetch("select workspace_id, actions -> 0 as action from automation")
        rows += await connection.fetch("select workspace_id, action from delivery where delivery_id = $1", dead)
    opened = []
    for row in rows:
        sealed: Any = row["action"]
        assert box.open(sealed["signing_secret"], str(row["workspace_id"])) == "signed"
        opened.append(box.open(sealed["headers"]["x-key"], str(row["workspace_id"])))
    assert sorted(set(opened)) == ["geheim-0", "geheim-1", "geheim-2"]
