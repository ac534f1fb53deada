"""Create, change and delete channels; their secrets are sealed on the way in, and shown to nobody."""

from __future__ import annotations

import dataclasses
import uuid
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from headrace import errors
from headrace_notification.repository import Secrets
from headrace_notification.repository.channels import ChannelStore, ChannelWork
from headrace_notification.rules.channels import (
    LEAST_ESCALATION_SECONDS,
    LONGEST_ESCALATION_SECONDS,
    LONGEST_GROUP_SECONDS,
    MASK,
    Channel,
    Policy,
)
from headrace_notification.rules.kinds.base import Config, Kind
from headrace_notification.rules.kinds.registry import KINDS, ConfigRefused, checked, joined, parted
from headrace_notification.rules.kinds.webhook import TEMPLATE_VARIABLES
from headrace_notification.rules.validity import origin_of
from headrace_notification.usecases.templates import TemplateRefused, check_template

_RECEIVERS = ("host", "port", "security", "ca_certificate")
_RECEIVING_URLS = ("base_url", "url")


async def create_channel(store: ChannelStore, secrets: Secrets, channel: Channel) -> Channel:
    """Store a new channel; one whose id is known already is returned as it is.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
        errors.AlreadyExists: Its name is taken.
        errors.FailedPrecondition: It has secrets, and there is no key to keep them with.
    """
    _check_name(channel.name)
    sealed = _sealed(channel, channel.config, secrets)
    async with store.change() as work:
        await _check_policy(work, sealed)
        added = await work.add(sealed)
    if added is not None:
        return added
    known = await store.load(channel.workspace_id, channel.channel_id)
    if known is None:
        raise _name_taken(channel.name)
    return known


async def update_channel(
    store: ChannelStore, secrets: Secrets, workspace_id: uuid.UUID, channel_id: uuid.UUID, changes: Mapping[str, Any]
) -> Channel:
    """Change the named fields of a channel. A masked secret stays as it was, as long as it goes to the same receiver.

    Raises:
        errors.NotFound: There is no such channel.
        errors.InvalidArgument: The fields that are wrong.
        errors.AlreadyExists: The name is taken.
        errors.FailedPrecondition: It has secrets, and there is no key for them.
    """
    async with store.change() as work:
        before = await work.load(workspace_id, channel_id)
        if before is None:
            raise _not_found(channel_id)
        after = dataclasses.replace(before, **changes)
        _check_name(after.name)
        if after.kind != before.kind and "config" not in changes:
            raise errors.InvalidArgument.of_field("channel.config", "must be given with another kind")
        if "config" in changes or "kind" in changes:
            after = _sealed(after, _unmasked(before, after, secrets), secrets)
        await _check_policy(work, after)
        stored = await work.replace(after)
    if stored is None:
        raise _name_taken(after.name)
    return stored


async def delete_channel(store: ChannelStore, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> None:
    """Delete a channel; what waits for it is given up.

    Raises:
        errors.NotFound: There is no such channel.
    """
    async with store.change() as work:
        if not await work.delete(workspace_id, channel_id):
            raise _not_found(channel_id)


async def find_channel(store: ChannelStore, workspace_id: uuid.UUID, name_or_id: str) -> Channel:
    """Return a channel by its id or its name.

    Raises:
        errors.NotFound: There is none.
    """
    try:
        found = await store.load(workspace_id, uuid.UUID(name_or_id))
    except ValueError:
        found = None
    if found is None:
        found = await store.load_by_name(workspace_id, name_or_id)
    if found is None:
        raise errors.NotFound(f"there is no channel {name_or_id!r}")
    return found


def opened(channel: Channel, secrets: Secrets) -> tuple[Kind, Config, list[str]]:
    """Return a channel's kind, its configuration with the secrets in it, and the secrets alone.

    Raises:
        errors.FailedPrecondition: A secret cannot be read, or this version does not know the kind or its configuration.
    """
    kind = KINDS.get(channel.kind)
    if kind is None:
        raise errors.FailedPrecondition(f"this server knows no channels of the kind {channel.kind!r}")
    clear = _clear(channel, secrets)
    try:
        return kind, checked(kind, joined(channel.kind, channel.config, clear)), list(clear.values())
    except ConfigRefused as error:
        raise errors.FailedPrecondition(f"the channel has to be configured anew: {error}") from None


def seal_context(channel: Channel) -> str:
    """Return what the secrets of a channel are bound to."""
    return f"channel {channel.channel_id}"


def _clear(channel: Channel, secrets: Secrets) -> dict[str, str]:
    return {path: secrets.open(sealed, seal_context(channel)) for path, sealed in channel.secrets.items()}


def _sealed(channel: Channel, config: Mapping[str, Any], secrets: Secrets) -> Channel:
    """Return the channel with a checked configuration, whose secrets are sealed apart from it."""
    kind = KINDS.get(channel.kind)
    if kind is None:
        raise errors.InvalidArgument.of_field("channel.kind", f"must be one of {', '.join(sorted(KINDS))}")
    try:
        typed = checked(kind, config)
    except ConfigRefused as error:
        raise errors.InvalidArgument(
            violations=[
                errors.FieldViolation(f"channel.config.{path}" if path else "channel.config", fault)
                for path, fault in error.faults
            ]
        ) from None
    if kind.template_field:
        try:
            check_template(getattr(typed, kind.template_field), TEMPLATE_VARIABLES)
        except TemplateRefused as error:
            raise errors.InvalidArgument.of_field(f"channel.config.{kind.template_field}", str(error)) from None
    shown, clear = parted(channel.kind, config)
    masked = [path for path, text in clear.items() if text == MASK]
    if masked:
        raise errors.InvalidArgument(
            violations=[
                errors.FieldViolation(
                    f"channel.config.{path}",
                    "is masked, and nothing is stored for it and this receiver: give the value",
                )
                for path in masked
            ]
        )
    context = seal_context(channel)
    sealed = {path: secrets.seal(text, context) for path, text in clear.items()}
    return dataclasses.replace(channel, config=shown, secrets=sealed)


def _unmasked(before: Channel, after: Channel, secrets: Secrets) -> dict[str, Any]:
    """Return the new configuration with stored secrets in place of masks.

    A secret goes to the receiver that it was given for, never to another whom an editor names later.
    """
    if after.kind != before.kind or _receiver(before.config) != _receiver(after.config):
        return dict(after.config)
    _, given = parted(after.kind, after.config)
    kept = {path: text for path, text in _clear(before, secrets).items() if given.get(path) == MASK}
    return joined(after.kind, after.config, {**given, **kept})


def _receiver(config: Mapping[str, Any]) -> tuple[object, ...]:
    plain = tuple(config.get(name) for name in _RECEIVERS)
    try:
        urls = tuple(origin_of(str(config[name])) if config.get(name) else None for name in _RECEIVING_URLS)
    except ValueError:
        return ("no receiver",)
    return plain + urls


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise errors.InvalidArgument.of_field(
            "channel.name", "must be a text without spaces at its ends and without control characters"
        )


async def _check_policy(work: ChannelWork, channel: Channel) -> None:
    faults = list(_policy_faults(channel.policy))
    escalation = channel.policy.escalation
    if escalation is not None:
        if escalation.channel_id == channel.channel_id:
            faults.append(("escalation.channel_id", "must be another channel"))
        elif await work.load(channel.workspace_id, escalation.channel_id) is None:
            faults.append(("escalation.channel_id", "must be a channel of the workspace"))
    if faults:
        raise errors.InvalidArgument(
            violations=[errors.FieldViolation(f"channel.policy.{path}", fault) for path, fault in faults]
        )


def _policy_faults(policy: Policy) -> Iterator[tuple[str, str]]:
    if not 0 <= policy.group_seconds <= LONGEST_GROUP_SECONDS:
        yield "group_within", "must be at most a day"
    quiet = policy.quiet_hours
    if quiet is not None:
        try:
            zoneinfo.ZoneInfo(quiet.zone)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            yield "quiet_hours.zone", "must be the name of a time zone, for example Europe/Berlin"
        if quiet.begins_at == quiet.ends_at:
            yield "quiet_hours.ends_at", "must differ from the begin; pause the channel to send nothing at all"
    escalation = policy.escalation
    if escalation is not None and not (
        LEAST_ESCALATION_SECONDS <= escalation.after_seconds <= LONGEST_ESCALATION_SECONDS
    ):
        yield "escalation.after", "must be from a minute to a week"


def _not_found(channel_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"there is no channel {channel_id}")


def _name_taken(name: str) -> errors.AlreadyExists:
    return errors.AlreadyExists(f"there is a channel {name!r} already")
