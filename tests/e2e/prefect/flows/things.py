"""What flows use and leave behind, by the functions of Prefect's own package; the mark keeps names apart."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import time

from prefect import flow, get_client, task
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.automations import Automation
from prefect.blocks.core import Block
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.events import emit_event
from prefect.events.actions import CallWebhook, CancelFlowRun, SendNotification
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.automations import EventTrigger
from prefect.variables import Variable
from pydantic import Field, SecretStr

MARK = sys.argv[1]


class Inner(Block):
    """Has a secret."""

    token: SecretStr
    host: str = "h"


class Outer(Block):
    """Has another block in it."""

    inner: Inner
    names: list[str] = Field(default_factory=list)
    number: int | None = None


def use_blocks() -> None:
    Secret(value="hush").save(f"secret-{MARK}")
    assert Secret.load(f"secret-{MARK}").get() == "hush"
    Secret(value={"a": [1, 2]}).save(f"secret-{MARK}", overwrite=True)
    assert Secret.load(f"secret-{MARK}").get() == {"a": [1, 2]}
    inner = Inner(token="open")
    inner.save(f"inner-{MARK}", overwrite=True)
    Outer(inner=inner, names=["a"]).save(f"outer-{MARK}", overwrite=True)
    outer = Outer.load(f"outer-{MARK}")
    assert (outer.inner.token.get_secret_value(), outer.names) == ("open", ["a"])
    outer.names = ["b"]
    outer.save(f"outer-{MARK}", overwrite=True)
    assert Outer.load(f"outer-{MARK}").names == ["b"]


def use_variables() -> None:
    name = f"variable_{MARK}"
    Variable.set(name, [1, 2], tags=["t"])
    Variable.set(name, {"a": None}, overwrite=True)
    assert Variable.get(name) == {"a": None}
    Variable.unset(name)
    assert Variable.get(name, "gone") == "gone"


def use_limits() -> None:
    one, rate = f"one-{MARK}", f"rate-{MARK}"
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=one, limit=1))
        wanted = GlobalConcurrencyLimitCreate(name=rate, limit=2, slot_decay_per_second=5.0)
        client.create_global_concurrency_limit(wanted)
        with concurrency(one, occupy=1):
            assert client.read_global_concurrency_limit_by_name(one).active_slots == 1
        assert client.read_global_concurrency_limit_by_name(one).active_slots == 0
    held, most, lock = 0, 0, threading.Lock()

    def hold(_: int) -> None:
        nonlocal held, most
        with concurrency(one, occupy=1):
            with lock:
                held += 1
                most = max(most, held)
            time.sleep(0.02)
            with lock:
                held -= 1

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(hold, range(8)))
    assert most == 1
    for _ in range(4):
        rate_limit(rate)


@task(tags=[f"tag-{MARK}"])
def limited(n: int) -> int:
    return n + 1


@flow(name=f"things-{MARK}")
def things() -> int:
    create_markdown_artifact("# text", key=f"text-{MARK}", description="d")
    create_table_artifact([{"a": 1, "b": "x"}], key=f"table-{MARK}")
    create_link_artifact("https://example.org", key=f"link-{MARK}", link_text="there")
    create_image_artifact("https://example.org/i.png", key=f"image-{MARK}")
    progress = create_progress_artifact(10.0, key=f"progress-{MARK}")
    update_progress_artifact(progress, 60.0)
    return limited(1)


async def follow_events() -> None:
    wanted = EventFilter(event=EventNameFilter(prefix=[f"own.{MARK}", "prefect.flow-run."]))
    async with get_events_subscriber(filter=wanted) as subscriber:
        emit_event(f"own.{MARK}.begun", resource={"prefect.resource.id": f"own.{MARK}"}, payload={"a": 1})
        running = asyncio.create_task(asyncio.to_thread(things))
        seen: set[str] = set()
        async for event in subscriber:
            seen.add(event.event)
            if {f"own.{MARK}.begun", "prefect.flow-run.Running", "prefect.flow-run.Completed"} <= seen:
                break
        assert await running == 2


def use_automations() -> None:
    webhook = Webhook(url="http://127.0.0.1:9/", headers={"a": "b"})
    webhook.save(f"webhook-{MARK}")
    slack = SlackWebhook(url="https://hooks.slack.com/services/T00/B00/C00")
    slack.save(f"slack-{MARK}")
    made = Automation(
        name=f"automation-{MARK}",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed"},
            match={"prefect.resource.id": f"prefect.flow-run.{MARK}"},
            posture="Reactive",
            threshold=1,
            within=0,
        ),
        actions=[
            CancelFlowRun(),
            CallWebhook(block_document_id=webhook._block_document_id, payload="{{ flow_run.name }}"),
            SendNotification(block_document_id=slack._block_document_id, subject="s", body="{{ flow_run.name }}"),
        ],
    ).create()
    read = Automation.read(name=made.name)
    assert [action.type for action in read.actions] == ["cancel-flow-run", "call-webhook", "send-notification"]
    read.description = "changed"
    read.update()
    read.disable()
    read = Automation.read(id=made.id)
    assert (read.description, read.enabled) == ("changed", False)
    read.delete()


if __name__ == "__main__":
    with get_client(sync_client=True) as api:
        api.create_concurrency_limit(f"tag-{MARK}", 1)
    use_blocks()
    use_variables()
    use_limits()
    asyncio.run(follow_events())
    use_automations()
    print("done")
