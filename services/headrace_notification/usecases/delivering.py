"""One try of a delivery: what is sent, and what comes of it."""

from __future__ import annotations

import asyncio
import datetime
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headrace import errors
from headrace_notification.repository import DeliveryStore, Runs, Secrets, WebhookRequest, WebhookSender
from headrace_notification.rules.automation_events import AUTOMATION
from headrace_notification.rules.automations import (
    PLACES,
    STEERED,
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    DoNothing,
    EmitEvent,
    RunDeployment,
    SendNotification,
    SendRunInput,
    Steer,
    SteerPlace,
    SteerSchedule,
)
from headrace_notification.rules.deliveries import LONGEST_ANSWER, AfterTry, Answer, Delivery, Result, after_try
from headrace_notification.rules.signing import signature
from headrace_notification.usecases.notifying import Notifying
from headrace_notification.usecases.own_actions import OwnActions
from headrace_notification.usecases.template_variables import FLOW_RUN, TemplateVariables, resource_of, subject_of
from headrace_notification.usecases.templates import TemplateRefused, render

logger = logging.getLogger(__name__)

DEPLOYMENT = "headrace.deployment."
BODYLESS = frozenset({"GET", "DELETE"})


class Delivering:
    """Tries deliveries.

    Args:
        store: Where they stand.
        secrets: Opens what is secret in them.
        sender: Calls URLs.
        runs: Asks the other services.
        own: Does what needs no other service.
        notifying: Tells channels.
        variables: What templates see.
        now: Tells the time.
    """

    def __init__(
        self,
        store: DeliveryStore,
        secrets: Secrets,
        sender: WebhookSender,
        runs: Runs,
        own: OwnActions,
        notifying: Notifying,
        variables: TemplateVariables,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._sender = sender
        self._runs = runs
        self._own = own
        self._notifying = notifying
        self._variables = variables
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
            case RunDeployment() as start:
                parameters = await self._rendered(start.parameters, delivery)
                variables = await self._rendered(start.job_variables, delivery)
                target = start.deployment_id or subject_of(event, DEPLOYMENT)
                action: Any = RunDeployment(target, parameters, variables, start.schedule_after_seconds)
            case ChangeFlowRunState() as change:
                [message] = await self._render([change.message], delivery)
                target = change.flow_run_id or subject_of(event, FLOW_RUN)
                action = ChangeFlowRunState(target, change.type, change.name, message, change.force)
            case CancelFlowRun(flow_run_id=chosen) | SendRunInput(flow_run_id=chosen):
                target, action = chosen or subject_of(event, FLOW_RUN), delivery.action
            case Steer() | SteerPlace() | SteerSchedule():
                return await self._steer(delivery, delivery.action)
            case EmitEvent() as emit:
                name, about, title = await self._render([emit.name, emit.resource_id, emit.resource_name], delivery)
                payload = await self._rendered(emit.payload, delivery)
                return await self._own.emit(delivery, EmitEvent(name, about, title, payload))
            case SendNotification() as send:
                return await self._notifying.send(delivery, send, lambda texts: self._render(texts, delivery))
            case DoNothing():
                return Answer(Result.DONE, "nothing was to be done")
            case _:
                return Answer(Result.REFUSED, f"this server does not know the action {delivery.action_kind}")
        if target is None:
            return _without("flow run" if not isinstance(action, RunDeployment) else "deployment")
        return await self._runs.do(delivery, action, target)

    async def _steer(self, delivery: Delivery, action: Steer | SteerPlace | SteerSchedule) -> Answer:
        event = delivery.context["event"]
        match action:
            case Steer(kind="pause_automation" | "resume_automation"):
                found = action.target_id or subject_of(event, AUTOMATION) or delivery.automation_id
                return await self._own.switch(delivery, found, enabled=action.kind == "resume_automation")
            case Steer():
                thing = STEERED[action.kind]
                target = action.target_id or subject_of(event, f"headrace.{thing}.")
                if target is None:
                    return _without(thing.replace("-", " "))
                action = Steer(action.kind, target)
            case SteerSchedule():
                target = action.deployment_id or subject_of(event, DEPLOYMENT)
                if target is None:
                    return _without("deployment")
                action = SteerSchedule(action.kind, action.schedule_id, target)
            case SteerPlace():
                found_place = _place(action, event)
                if found_place is None:
                    return _without(PLACES[action.kind].replace("-", " "))
                action = found_place
        return await self._runs.steer(delivery, action)

    async def _rendered(self, value: Any, delivery: Delivery) -> Any:
        if isinstance(value, str):
            return (await self._render([value], delivery))[0]
        if isinstance(value, Mapping):
            return {name: await self._rendered(inner, delivery) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [await self._rendered(inner, delivery) for inner in value]
        return value

    async def _render(self, texts: list[str], delivery: Delivery) -> list[str]:
        variables = await self._variables.of(delivery, texts)
        # In a thread: up to a tenth of a second must not hold up everything else.
        return await asyncio.to_thread(lambda: [render(text, variables) for text in texts])


def _without(thing: str) -> Answer:
    return Answer(Result.REFUSED, f"the event is about no {thing}, and the action names none")


def _place(action: SteerPlace, event: Mapping[str, Any] | None) -> SteerPlace | None:
    """Return the action with the names of the pool and the queue; None if there are none."""
    if action.work_pool_name:
        return action
    pool, queue = resource_of(event, "work-pool"), resource_of(event, "work-queue")
    if pool is None:
        return None
    if PLACES[action.kind] == "work-pool":
        return SteerPlace(action.kind, pool["name"])
    return SteerPlace(action.kind, pool["name"], queue["name"]) if queue is not None else None


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except ValueError:
        return False
    return True
