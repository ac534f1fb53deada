"""One try to tell a channel something: what is sent, and what comes of it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
import random
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterable

from headrace import errors
from headrace_notification.repository import Secrets, WebhookRequest, WebhookSender
from headrace_notification.repository.channels import ChannelDeliveryStore, ChannelStore, MailSender
from headrace_notification.rules.channel_deliveries import ChannelDelivery, Part, digest, escalates_after
from headrace_notification.rules.channels import MASK, MOST_TRIES, Channel, quiet_until
from headrace_notification.rules.deliveries import LONGEST_ANSWER, AfterTry, Answer, Result, Status, after_try
from headrace_notification.rules.kinds.base import HttpCall, Kind, Mail, Notice
from headrace_notification.rules.kinds.webhook import TEMPLATE_VARIABLES, variables
from headrace_notification.rules.messages import Message, Severity, cut
from headrace_notification.usecases.acknowledging import Acknowledging
from headrace_notification.usecases.channels import opened
from headrace_notification.usecases.templates import TemplateRefused, render

logger = logging.getLogger(__name__)

_LEAST_SECRET = 4
"""Shorter secrets are no secrets, and would mask half of each answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test message."""

    answer: Answer
    took_seconds: float


class Sending:
    """Tries deliveries to channels.

    Args:
        store: Where they stand.
        channels: Where they go.
        secrets: Opens what is secret in channels.
        http: Calls URLs.
        mail: Hands e-mail in.
        acknowledging: Makes links to acknowledge.
        now: Tells the time.
    """

    def __init__(
        self,
        store: ChannelDeliveryStore,
        channels: ChannelStore,
        secrets: Secrets,
        http: WebhookSender,
        mail: MailSender,
        acknowledging: Acknowledging,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._channels = channels
        self._secrets = secrets
        self._http = http
        self._mail = mail
        self._acknowledging = acknowledging
        self._now = now

    async def attempt(self, delivery: ChannelDelivery) -> None:
        """Try a claimed delivery and store what came of it; in quiet hours put it back."""
        channel = await self._channels.load(delivery.workspace_id, delivery.channel_id)
        began = time.monotonic()
        if channel is None:
            answer = Answer(Result.REFUSED, "the channel was deleted")
        else:
            until = quiet_until(channel.policy, delivery.message.severity, self._now())
            if until is not None:
                await self._store.postpone(delivery, until)
                return
            answer = await self._answer(channel, delivery)
        most = channel.policy.most_tries or MOST_TRIES if channel is not None else MOST_TRIES
        # A delivery that is sent again begins anew.
        tries = max(1, delivery.tries - max(0, delivery.last_try - most))
        after = after_try(answer, tries, random.random(), most_tries=most)
        policy = channel.policy if channel is not None else None
        ends = after.status is not Status.PENDING
        escalates = escalates_after(delivery, policy, is_dead=after.status is Status.DEAD) if policy and ends else None
        finished = await self._store.finish(
            delivery, after, answer, took_seconds=time.monotonic() - began, escalates_seconds=escalates
        )
        self._tell(delivery, after, answer, finished=finished)

    def _tell(self, delivery: ChannelDelivery, after: AfterTry, answer: Answer, *, finished: bool) -> None:
        if not finished:
            logger.warning("delivery %s ended otherwise during its try", delivery.channel_delivery_id)
        elif after.status is Status.DEAD:
            logger.warning(
                "delivery %s to channel %r is given up after %d tries: %s",
                delivery.channel_delivery_id,
                delivery.channel_name,
                delivery.tries,
                f"status {answer.status_code}" if answer.status_code else answer.text,
            )

    async def _answer(self, channel: Channel, delivery: ChannelDelivery) -> Answer:
        message = delivery.message
        if delivery.grouped > 1 and delivery.created_at is not None:
            parts = [Part(message, delivery.created_at), *await self._store.parts(delivery)]
            message = digest(sorted(parts, key=lambda part: part.created_at), delivery.grouped)
        link = ""
        if message.severity >= Severity.WARNING and not message.resolves:
            link = self._acknowledging.link(delivery.workspace_id, delivery.channel_delivery_id)
        return await self._send(channel, message, str(delivery.channel_delivery_id), link)

    async def test(self, channel: Channel) -> Tested:
        """Send a test message to a channel at once, past the queue."""
        message = Message(
            subject="Test message of Headrace",
            body=f"If you can read this, the channel {channel.name} works.",
            facts=(("Channel", channel.name), ("Kind", channel.kind)),
        )
        began = time.monotonic()
        answer = await self._send(channel, message, f"test-{uuid.uuid4()}", "")
        return Tested(answer, time.monotonic() - began)

    async def _send(self, channel: Channel, message: Message, key: str, link: str) -> Answer:
        hidden: list[str] = []
        try:
            kind, config, hidden = opened(channel, self._secrets)
            notice = Notice(message, key, int(self._now().timestamp()), link)
            template = getattr(config, kind.template_field) if kind.template_field else ""
            if template:
                # In a thread: up to a tenth of a second must not hold up everything else.
                text = await asyncio.to_thread(render, template, {"message": variables(notice)}, TEMPLATE_VARIABLES)
                notice = dataclasses.replace(notice, body=text.encode("utf-8", "replace"))
            answer = await self._hand_over(kind, kind.build(config, notice), key)
        except TemplateRefused as error:
            answer = Answer(Result.REFUSED, f"the template was refused: {error}")
        except errors.HeadraceError as error:
            # What this process lacks (a key, a newer version) may be there later or in another one.
            answer = Answer(Result.AGAIN, str(error))
        except Exception as error:
            # Not its text: it may hold what is secret.
            logger.error("sending to channel %s failed: %s", channel.channel_id, type(error).__name__)
            answer = Answer(Result.AGAIN, f"internal error: {type(error).__name__}")
        return dataclasses.replace(
            answer, text=cut(masked(answer.text, hidden).replace("\0", "\ufffd"), LONGEST_ANSWER)
        )

    async def _hand_over(self, kind: Kind, made: HttpCall | Mail, key: str) -> Answer:
        if isinstance(made, Mail):
            return await self._mail.send(made)
        headers = {"User-Agent": "Headrace", "Accept-Encoding": "identity", "Headrace-Delivery-Id": key}
        request = WebhookRequest(made.method, made.url, {**headers, **made.headers}, made.body, True)
        return kind.refine(await self._http.send(request))


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, however they are written in it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < _LEAST_SECRET:
            continue
        for form in (secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret)):
            text = text.replace(form, MASK)
        path = urllib.parse.urlsplit(secret).path if secret.startswith(("https://", "http://")) else ""
        if len(path) > _LEAST_SECRET:
            text = text.replace(path, MASK)
    return text
