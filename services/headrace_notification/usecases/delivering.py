"""One try of a delivery: what is sent, and what comes of it."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import hmac
import logging
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headrace import errors
from headrace_notification.repository import DeliveryStore, Runs, Secrets, WebhookRequest, WebhookSender
from headrace_notification.rules.automations import (
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    RunDeployment,
    SendRunInput,
)
from headrace_notification.rules.deliveries import LONGEST_ANSWER, AfterTry, Answer, Delivery, Result, after_try
from headrace_notification.usecases.templates import TemplateRefused, render, variables_of

logger = logging.getLogger(__name__)

FLOW_RUN = "headrace.flow-run."
DEPLOYMENT = "headrace.deployment."
BODYLESS = frozenset({"GET", "DELETE"})

_RESOURCES = {
    "flow": "flow",
    "deployment": "deployment",
    "work_pool": "work-pool",
    "work_queue": "work-queue",
    "task_run": "task-run",
}


class Delivering:
    """Tries deliveries.

    Args:
        store: Where they stand.
        secrets: Opens what is secret in them.
        sender: Calls URLs.
        runs: Asks the other services.
        now: Tells the time.
    """

    def __init__(
        self,
        store: DeliveryStore,
        secrets: Secrets,
        sender: WebhookSender,
        runs: Runs,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._sender = sender
        self._runs = runs
        self._now = now

    async def attempt(self, delivery: Delivery) -> AfterTry:
        """Try a claimed delivery, store what came of it, and return how it stands."""
        answer = await self._answer(delivery)
        text = answer.text.replace("\0", "\ufffd")
        if len(text) > LONGEST_ANSWER:
            text = text[: LONGEST_ANSWER - 1] + "…"
        answer = Answer(answer.result, text, answer.status_code, answer.retry_after_seconds)
        after = after_try(answer, delivery.tries, random.random())
        if not await self._store.finish(delivery, after, answer):
            logger.warning("delivery %s was taken over by another process during its try", delivery.delivery_id)
        elif after.status.value == "DEAD":
            logger.warning(
                "delivery %s of %r is given up after %d tries: %s",
                delivery.delivery_id,
                delivery.automation_name,
                delivery.tries,
                f"HTTP {answer.status_code}" if answer.status_code else answer.text,
            )
        return after

    async def _answer(self, delivery: Delivery) -> Answer:
        try:
            if isinstance(delivery.action, CallWebhook):
                return await self._sender.send(await self._webhook(delivery, delivery.action))
            return await self._do(delivery)
        except TemplateRefused as error:
            return Answer(Result.REFUSED, f"the template was refused: {error}")
        except errors.HeadraceError as error:
            # What this process lacks (a key, a neighbour) may be there later or in another one.
            return Answer(Result.AGAIN, str(error))
        except Exception as error:
            logger.exception("delivery %s failed", delivery.delivery_id)
            return Answer(Result.AGAIN, f"internal error: {type(error).__name__}")

    async def _webhook(self, delivery: Delivery, action: CallWebhook) -> WebhookRequest:
        context = str(delivery.workspace_id)
        headers = {"User-Agent": "Headrace", "Accept-Encoding": "identity"}
        body = b""
        if action.method not in BODYLESS:
            body = await self._body(delivery, action)
            headers["Content-Type"] = "application/json" if _is_json(body) else "text/plain; charset=utf-8"
        names = {name.lower() for name in action.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in names}
        headers |= {name: self._secrets.open(sealed, context) for name, sealed in action.headers.items()}
        headers["Headrace-Delivery-Id"] = delivery.dedup_key
        if action.signing_secret:
            secret = self._secrets.open(action.signing_secret, context)
            headers["Headrace-Signature"] = signature(secret, int(self._now().timestamp()), body)
        return WebhookRequest(action.method, action.url, headers, body, action.allow_private_addresses)

    async def _body(self, delivery: Delivery, action: CallWebhook) -> bytes:
        if not action.body_template:
            event = delivery.context["event"] or {}
            others = {name: value for name, value in delivery.context.items() if name != "event"}
            return orjson.dumps({**event, **others})
        return (await self._render([action.body_template], delivery))[0].encode()

    async def _do(self, delivery: Delivery) -> Answer:
        event = delivery.context["event"]
        match delivery.action:
            case RunDeployment(deployment_id=chosen):
                target = chosen or _subject(event, DEPLOYMENT)
                if target is None:
                    return Answer(Result.REFUSED, "the event is about no deployment, and the action names none")
                parameters = await self._rendered(delivery.action.parameters, delivery)
                action: Any = RunDeployment(target, parameters)
            case ChangeFlowRunState(flow_run_id=chosen) as change:
                target = chosen or _subject(event, FLOW_RUN)
                if target is None:
                    return Answer(Result.REFUSED, "the event is about no flow run, and the action names none")
                [message] = await self._render([change.message], delivery)
                action = ChangeFlowRunState(target, change.type, change.name, message, change.force)
            case CancelFlowRun(flow_run_id=chosen) | SendRunInput(flow_run_id=chosen):
                target = chosen or _subject(event, FLOW_RUN)
                if target is None:
                    return Answer(Result.REFUSED, "the event is about no flow run, and the action names none")
                action = delivery.action
            case _:
                return Answer(Result.REFUSED, f"this server does not know the action {delivery.action_kind}")
        return await self._runs.do(delivery, action, target)

    async def _rendered(self, value: Any, delivery: Delivery) -> Any:
        if isinstance(value, str):
            return (await self._render([value], delivery))[0]
        if isinstance(value, Mapping):
            return {name: await self._rendered(inner, delivery) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [await self._rendered(inner, delivery) for inner in value]
        return value

    async def _render(self, texts: list[str], delivery: Delivery) -> list[str]:
        variables = dict(delivery.context)
        event = delivery.context["event"]
        for name, kind in _RESOURCES.items():
            variables[name] = _resource(event, kind)
        if any("flow_run" in variables_of(text) for text in texts):
            flow_run_id = _subject(event, FLOW_RUN)
            variables["flow_run"] = (
                await self._runs.describe(delivery.workspace_id, flow_run_id) if flow_run_id is not None else None
            )
        # In a thread: up to a tenth of a second must not hold up everything else.
        return await asyncio.to_thread(lambda: [render(text, variables) for text in texts])


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header `Headrace-Signature`.

    `t=<Unix time>,v1=<hex>`: HMAC-SHA256, keyed with the secret, of the time, a dot and the body. A receiver checks
    it, and that the time is of the last minutes, to know that the call is ours and not a repetition by another.
    """
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _subject(event: Mapping[str, Any] | None, prefix: str) -> uuid.UUID | None:
    """Return the id of the thing that the event is about, or else of the first that it concerns."""
    if event is None:
        return None
    for resource in (event["resource"], *event["related"]):
        if resource["id"].startswith(prefix):
            try:
                return uuid.UUID(resource["id"].removeprefix(prefix))
            except ValueError:
                continue
    return None


def _resource(event: Mapping[str, Any] | None, kind: str) -> dict[str, Any] | None:
    prefix = f"headrace.{kind}."
    for resource in (event["resource"], *event["related"]) if event is not None else ():
        if resource["id"].startswith(prefix):
            return {"id": resource["id"].removeprefix(prefix), "name": resource["name"], "labels": resource["labels"]}
    return None


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except ValueError:
        return False
    return True
