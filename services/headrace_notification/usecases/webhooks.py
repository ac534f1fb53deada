"""Create, change, delete and call webhooks."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime
import secrets as chance
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from headrace import errors
from headrace.ids import made_at, uuid7
from headrace_notification.repository import EventStore, Secrets
from headrace_notification.repository.webhooks import WebhookStore
from headrace_notification.rules.events import RESERVED_PREFIX, Event, Resource
from headrace_notification.rules.handshakes import Answer, answer_of
from headrace_notification.rules.webhooks import (
    LONGEST_GRACE,
    LONGEST_WINDOW,
    UNSHOWN_HEADERS,
    Authentication,
    Call,
    Proof,
    Webhook,
    digest_of,
    prove,
)
from headrace_notification.usecases.templates import LONGEST_TEXT, TemplateRefused, check_template, render

VARIABLES = frozenset({"request", "webhook"})
"""What templates of webhooks may name."""

LEAST_SECRET = 16
LONGEST_NAME = 1024
_SLUG_BYTES = 18
_SECRET_BYTES = 32
_TEMPLATE = "webhook.template"


def new_slug() -> str:
    """Return the last part of an address that nobody guesses."""
    slug = chance.token_urlsafe(_SLUG_BYTES)
    return slug if slug[0].isalnum() else f"h{slug}"


async def create_webhook(store: WebhookStore, secrets: Secrets, webhook: Webhook, secret: str) -> tuple[Webhook, str]:
    """Store a new webhook; return it with its secret, which nothing returns again.

    Args:
        store: Where to.
        secrets: Seals the secret.
        webhook: As it was handed in.
        secret: The one that the sender chose; "" makes one.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
        errors.AlreadyExists: Its id or its slug is taken.
        errors.FailedPrecondition: It has a secret, and there is no key to keep it with.
    """
    _check(webhook)
    if webhook.authentication is Authentication.NONE:
        if secret:
            raise errors.InvalidArgument.of_field("secret", "must be empty where nobody has to prove who they are")
    elif secret and len(secret) < LEAST_SECRET:
        raise errors.InvalidArgument.of_field("secret", f"must have at least {LEAST_SECRET} characters")
    else:
        secret = secret or chance.token_urlsafe(_SECRET_BYTES)
        webhook = dataclasses.replace(webhook, secret=secrets.seal(secret, str(webhook.workspace_id)))
    added = await store.add(webhook)
    if added is None:
        raise errors.AlreadyExists(f"there is a webhook {webhook.webhook_id} or one at /hooks/{webhook.slug} already")
    return added, secret


async def update_webhook(
    store: WebhookStore, workspace_id: uuid.UUID, webhook_id: uuid.UUID, changes: Mapping[str, Any]
) -> Webhook:
    """Change the named fields of a webhook.

    Raises:
        errors.NotFound: There is no such webhook.
        errors.InvalidArgument: The fields that are wrong.
    """
    webhook = dataclasses.replace(await load_webhook(store, workspace_id, str(webhook_id)), **changes)
    _check(webhook)
    after = await store.replace(webhook)
    if after is None:
        raise _not_found(str(webhook_id))
    return after


async def rotate_webhook_secret(
    store: WebhookStore,
    secrets: Secrets,
    workspace_id: uuid.UUID,
    webhook_id: uuid.UUID,
    grace: datetime.timedelta,
    now: datetime.datetime,
) -> tuple[Webhook, str]:
    """Give a webhook another secret; the one before is taken for `grace` longer.

    Raises:
        errors.NotFound: There is no such webhook.
        errors.InvalidArgument: The grace is too long.
        errors.FailedPrecondition: It has no secret.
    """
    if not datetime.timedelta() <= grace <= LONGEST_GRACE:
        raise errors.InvalidArgument.of_field("grace", f"must be from 0 to {LONGEST_GRACE.days} days")
    webhook = await load_webhook(store, workspace_id, str(webhook_id))
    if webhook.authentication is Authentication.NONE:
        raise errors.FailedPrecondition("the webhook has no secret", reason="WEBHOOK_WITHOUT_SECRET")
    secret = chance.token_urlsafe(_SECRET_BYTES)
    after = await store.replace(
        dataclasses.replace(
            webhook,
            secret=secrets.seal(secret, str(workspace_id)),
            secret_before=webhook.secret if grace else "",
            grace_until=now + grace if grace else None,
        )
    )
    if after is None:
        raise _not_found(str(webhook_id))
    return after, secret


async def load_webhook(store: WebhookStore, workspace_id: uuid.UUID, named: str) -> Webhook:
    """Return a webhook by its id or its slug.

    Raises:
        errors.NotFound: There is no such webhook.
    """
    try:
        found = await store.load(workspace_id, uuid.UUID(named))
    except ValueError:
        found = await store.load_by_slug(named, workspace_id)
    if found is None:
        raise _not_found(named)
    return found


async def delete_webhook(store: WebhookStore, workspace_id: uuid.UUID, webhook_id: uuid.UUID) -> None:
    """Delete a webhook.

    Raises:
        errors.NotFound: There is no such webhook.
    """
    if not await store.delete(workspace_id, webhook_id):
        raise _not_found(str(webhook_id))


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """Which event a call became."""

    event_id: uuid.UUID
    is_new: bool


async def receive(
    store: WebhookStore, events: EventStore, secrets: Secrets, slug: str, call: Call, now: datetime.datetime
) -> Received | Answer:
    """Make a call an event, or answer the question whether the address may be called.

    A call that comes again within the replay window is the same event.

    Raises:
        errors.NotFound: There is nothing at this address.
        errors.Unauthenticated: The caller does not prove to know the secret, or its proof is too old.
        errors.ResourceExhausted: It is too large, or one call too many.
        errors.InvalidArgument: No event can be made of it.
    """
    webhook = await store.load_by_slug(slug)
    if webhook is None or webhook.paused:
        raise errors.NotFound("there is nothing at this address")
    if len(call.body) > webhook.most_bytes:
        raise errors.ResourceExhausted(f"the body has more than {webhook.most_bytes} bytes", reason="REQUEST_TOO_LARGE")
    opened = _opened(webhook, secrets, now)
    answer = answer_of(webhook.handshake, call, opened)
    proof = prove(webhook, call, opened, now) or (Proof() if answer is not None and not answer.needs_proof else None)
    if proof is None:
        raise errors.Unauthenticated("the call does not prove who makes it, or too late", reason="WEBHOOK_NOT_PROVEN")
    wait = await store.spend(webhook)
    if wait is not None:
        raise errors.ResourceExhausted(
            f"more than {webhook.most_per_minute} calls a minute", retry_after_seconds=wait, reason="WEBHOOK_RATE"
        )
    if answer is not None:
        return answer
    try:
        # In a thread: what each of its templates may take must not hold up everything else.
        event, dedup_key = await asyncio.to_thread(_event_of, webhook, call, now)
    except TemplateRefused as error:
        await store.note_error(webhook, str(error))
        raise errors.InvalidArgument(
            f"no event can be made of this call: {error}", reason="WEBHOOK_TEMPLATE"
        ) from error
    digest = digest_of(dedup_key, proof)
    if digest is not None:
        event_id = await store.event_id_of(webhook, digest, event.event_id, webhook.replay_window)
        # The moment is that of the first call, too: by both together an event is one.
        event = dataclasses.replace(event, event_id=event_id, occurred_at=made_at(event_id))
    return Received(event.event_id, await events.add([event]) > 0)


def _opened(webhook: Webhook, secrets: Secrets, now: datetime.datetime) -> tuple[str, ...]:
    sealed = [webhook.secret] if webhook.secret else []
    if webhook.secret_before and webhook.grace_until is not None and now < webhook.grace_until:
        sealed.append(webhook.secret_before)
    return tuple(secrets.open(each, str(webhook.workspace_id)) for each in sealed)


def _event_of(webhook: Webhook, call: Call, now: datetime.datetime) -> tuple[Event, str]:
    body = body_of(call)
    variables = {
        "request": {
            "method": call.method,
            "headers": {name: value for name, value in call.headers.items() if name not in UNSHOWN_HEADERS},
            "query": dict(call.query),
            "body": body,
            "text": call.body[:LONGEST_TEXT].decode(errors="replace"),
        },
        "webhook": {"id": str(webhook.webhook_id), "name": webhook.name, "slug": webhook.slug},
    }

    def rendered(text: str) -> str:
        return render(text, variables, VARIABLES).replace("\0", "\ufffd").strip()

    template = webhook.template
    name = rendered(template.event_name)
    if not name or len(name) > LONGEST_NAME or name.startswith(RESERVED_PREFIX):
        raise TemplateRefused(
            f"the name of an event has 1 to {LONGEST_NAME} characters and does not begin with {RESERVED_PREFIX!r}"
        )
    own = f"{RESERVED_PREFIX}webhook.{webhook.webhook_id}"
    about = rendered(template.resource_id)[:LONGEST_NAME]
    resource = Resource(about or own, rendered(template.resource_name) or ("" if about else webhook.name))
    related = [Resource(own, webhook.name, "webhook")] if about else []
    for one in template.related:
        resource_id = rendered(one.resource_id)[:LONGEST_NAME]
        if resource_id:
            related.append(Resource(resource_id, rendered(one.name), one.role))
    if template.payload is not None:
        payload = _rendered_payload(template.payload, rendered)
    else:
        payload = body if isinstance(body, dict) else {"body": body}
    event = Event(
        event_id=uuid7(),
        workspace_id=webhook.workspace_id,
        name=name,
        occurred_at=now,
        resource=resource,
        related=tuple(related),
        payload=payload,
    )
    return event, rendered(template.dedup_key)


def _rendered_payload(value: Any, rendered: Any) -> Any:
    if isinstance(value, str):
        return rendered(value)
    if isinstance(value, Mapping):
        return {name: _rendered_payload(inner, rendered) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered_payload(inner, rendered) for inner in value]
    return value


def body_of(call: Call) -> Any:
    """Return the body as data: JSON, the fields of a form, or a text."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            return dict(urllib.parse.parse_qsl(call.body.decode(), keep_blank_values=True, max_num_fields=1000))
        except ValueError:
            return call.body.decode(errors="replace")
    try:
        return storable(orjson.loads(call.body)) if call.body else None
    except ValueError:
        pass
    try:
        return call.body.decode().replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(call.body).decode()}


def storable(value: Any) -> Any:
    """Return JSON without what Postgres cannot store: the character NUL."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd") if "\0" in value else value
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return value


def _not_found(named: str) -> errors.NotFound:
    return errors.NotFound(f"there is no webhook {named}")


def _check(webhook: Webhook) -> None:
    faults = list(_faults(webhook))
    if faults:
        raise errors.InvalidArgument(violations=[errors.FieldViolation(path, fault) for path, fault in faults])


def _faults(webhook: Webhook) -> Iterator[tuple[str, str]]:
    if not webhook.name.strip():
        yield "webhook.name", "must not be empty"
    if not datetime.timedelta(seconds=1) <= webhook.replay_window <= LONGEST_WINDOW:
        yield "webhook.replay_window", f"must be from 1 second to {LONGEST_WINDOW.days} days"
    if not webhook.template.event_name.strip():
        yield f"{_TEMPLATE}.event_name", "must not be empty"
    texts = {f"{_TEMPLATE}.{field}": text for field, text in webhook.template.texts().items()}
    if webhook.template.payload is not None:
        texts |= dict(_texts_in(f"{_TEMPLATE}.payload", webhook.template.payload))
    for path, text in texts.items():
        try:
            check_template(text, VARIABLES)
        except TemplateRefused as error:
            yield path, str(error)


def _texts_in(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts_in(f"{path}[{name}]", inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _texts_in(f"{path}[{place}]", inner)
